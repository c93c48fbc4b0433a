"""Start the server: it reloads while you develop, and uses all WORKERS when deployed."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from project.errors import CommandError, ProjectError
from project.management.catalogue import ROOT
from project.management.listening import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    add_server_arguments,
    bind,
    parse_port,
    url_of,
)
from project.management.reloading import prepare

if TYPE_CHECKING:
    import socket

    from project.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", nargs="?", default="", help="[host:]port, as in Django")
    add_server_arguments(parser)
    parser.add_argument("--no-reload", action="store_true", help="do not watch the code")


def handle(options: argparse.Namespace) -> int:
    host, port = _address(options)
    if _is_likely_to_reload(options):
        prepare()  # beside the libraries that settings are made of, instead of after them
    from project.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    workers = options.workers or settings.server.workers
    if options.no_reload or settings.is_deployed or workers > 1:
        return _serve(settings, host, port, workers)
    return _serve_and_reload(settings, host, port)


def _is_likely_to_reload(options: argparse.Namespace) -> bool:
    """Tell from what is written, unchecked; the settings have the last word."""
    from dotenv import dotenv_values  # noqa: PLC0415 - `help runserver` does without

    said = {**dotenv_values(ROOT / ".env"), **os.environ}
    is_deployed = said.get("ENVIRONMENT") in {"staging", "production"}
    workers = str(options.workers or said.get("WORKERS") or 1)
    return not (options.no_reload or is_deployed or workers != "1")


def _serve(settings: Settings, host: str, port: int, workers: int) -> int:
    from project.management.environment import load_registry  # noqa: PLC0415 - see below
    from project.management.server import serve  # noqa: PLC0415

    load_registry()
    listener = bind(host, port)
    Notice(settings)()
    _greet(settings, listener)
    return serve(listener, settings, workers=workers)


def _serve_and_reload(settings: Settings, host: str, port: int) -> int:
    listener = bind(host, port)
    context = prepare()
    # Beside the libraries that are being imported, instead of before.
    from project.management.server import serve_and_reload  # noqa: PLC0415

    _greet(settings, listener)
    return serve_and_reload(listener, settings, context, once_started=Notice(settings))


def _greet(settings: Settings, listener: socket.socket) -> None:
    print(f"{settings.general.site_name} ({settings.environment}) on {url_of(listener)}")
    print("Quit with Ctrl-C.", flush=True)


def _address(options: argparse.Namespace) -> tuple[str, int]:
    """Put `[host:]port` and the two options together; the options win."""
    host, _, text = options.address.rpartition(":")
    if host.endswith(":") or (":" in host and not host.startswith("[")):
        host, text = options.address, ""  # an IPv6 address, and no port
    try:
        port = parse_port(text) if text else DEFAULT_PORT
    except argparse.ArgumentTypeError as error:
        message = f"'{options.address}' is not [host:]port: {error}."
        raise CommandError(message, exit_code=2) from error
    chosen = port if options.port is None else options.port
    return options.host or host.strip("[]") or DEFAULT_HOST, chosen


class Notice:
    """Says that migrations are pending, or that there is no database; the same thing only once.

    The server starts all the same: an answer about the database is worth more than none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._said = ""

    def __call__(self) -> None:
        said = self._look()
        if said and said != self._said:
            print(said, flush=True)
        self._said = said

    def _look(self) -> str:
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - see above

        from project.db.migrations import find_revision, pending_revisions  # noqa: PLC0415
        from project.management.environment import open_connection  # noqa: PLC0415

        try:
            with open_connection(self._settings) as connection:
                pending = pending_revisions(connection)
        except ProjectError as error:
            return f"Warning: {error}"
        except DBAPIError as error:
            return f"Warning: {str(error.orig).partition(chr(10))[0]}"
        if not pending:
            return ""
        return (
            f"{len(pending)} migration(s) are pending ({find_revision(pending[0]).title} …).\n"
            "Run `python manage.py migrate` to apply them."
        )
