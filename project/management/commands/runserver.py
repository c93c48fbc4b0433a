"""Start the server: it reloads while you develop, and uses all WORKERS when deployed."""

import argparse

from project.db.migrations import pending_revisions
from project.errors import CommandError
from project.management.commands.migrate import describe
from project.management.environment import load_registry, open_connection
from project.management.server import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    add_server_arguments,
    bind,
    parse_port,
    serve,
    url_of,
)
from project.settings import Settings, load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", nargs="?", default="", help="[host:]port, as in Django")
    add_server_arguments(parser)
    parser.add_argument("--no-reload", action="store_true", help="do not watch the code")


def handle(options: argparse.Namespace) -> int:
    settings = load_settings()
    load_registry()
    host, port = _address(options)
    workers = options.workers or settings.server.workers
    is_reloading = not (options.no_reload or settings.is_deployed or workers > 1)
    listener = bind(host, port)
    _warn_of_pending_migrations(settings)
    print(f"{settings.general.site_name} ({settings.environment}) on {url_of(listener)}")
    print("Quit with Ctrl-C.", flush=True)
    return serve(listener, settings, workers=workers, is_reloading=is_reloading)


def _address(options: argparse.Namespace) -> tuple[str, int]:
    """Put `[host:]port` and the two options together; the options win."""
    host, _, text = options.address.rpartition(":")
    try:
        port = parse_port(text) if text else DEFAULT_PORT
    except argparse.ArgumentTypeError as error:
        message = f"'{options.address}' is not [host:]port: {error}."
        raise CommandError(message, exit_code=2) from error
    chosen = port if options.port is None else options.port
    return options.host or host.strip("[]") or DEFAULT_HOST, chosen


def _warn_of_pending_migrations(settings: Settings) -> None:
    """Say so, but start: an answer about the database is worth more than none."""
    try:
        with open_connection(settings) as connection:
            pending = pending_revisions(connection)
    except CommandError as error:
        print(f"Warning: {error}")
        return
    if pending:
        print(f"{len(pending)} migration(s) are pending ({describe(pending[0])} …).")
        print("Run `python manage.py migrate` to apply them.")
