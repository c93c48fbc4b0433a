"""Start, stop, show or reset the embedded PostgreSQL server.

It keeps its data in `.data/postgres`, with --test in `.data/postgres-test`. `runserver`, `demo`
and `test` start it themselves; it then runs on until `db stop`. `db status` exits with 1 when the
server is stopped. Where DATABASE_URL is set, no command uses the embedded server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from project.db.embedded import EmbeddedServer, ensure_running
from project.errors import CommandError
from project.management.asking import confirm
from project.settings import load_settings

if TYPE_CHECKING:
    import argparse

    from project.settings import Settings

_NOT_IN_USE = "DATABASE_URL is set: the embedded server is not in use."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["start", "stop", "status", "reset"])
    parser.add_argument("--test", action="store_true", help="act on the test cluster")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="reset without asking")


def handle(options: argparse.Namespace) -> int:
    settings = load_settings()
    server = _server(settings, is_test=options.test)
    if settings.database.url:
        return _explain_unused(options.action, server)
    return _act(options, server)


def _server(settings: Settings, *, is_test: bool) -> EmbeddedServer:
    name = "postgres-test" if is_test else "postgres"
    return EmbeddedServer(settings.data_directory / name, durable=not is_test)


def _explain_unused(action: str, server: EmbeddedServer) -> int:
    """One line. A server from the time before DATABASE_URL was set can still be stopped."""
    if action in {"start", "reset"}:
        raise CommandError(f"{_NOT_IN_USE} Unset it to {action} the embedded one.")
    was_running = action == "stop" and server.stop()
    print(_NOT_IN_USE + (" It was running and is stopped now." if was_running else ""))
    return 0


def _act(options: argparse.Namespace, server: EmbeddedServer) -> int:
    if options.action == "start":
        return _start(server)
    if options.action == "stop":
        return _stop(server)
    if options.action == "status":
        return _show_status(server)
    return _reset(server, is_confirmed=options.noinput)


def _start(server: EmbeddedServer) -> int:
    url = ensure_running(server.directory, durable=server.durable)
    print(f"PostgreSQL is running: {url}")
    return 0


def _stop(server: EmbeddedServer) -> int:
    print("PostgreSQL is stopped." if server.stop() else "PostgreSQL was not running.")
    return 0


def _show_status(server: EmbeddedServer) -> int:
    status = server.status()
    if status.is_running:
        print(f"PostgreSQL is running (pid {status.pid}): {status.url}")
        return 0
    state = "stopped" if status.is_created else "not created yet; `db start` does it"
    print(f"PostgreSQL is {state} ({status.directory}).")
    return 1


def _reset(server: EmbeddedServer, *, is_confirmed: bool) -> int:
    if not is_confirmed:
        confirm(f"Delete every database in {server.directory}?")
    server.reset()
    print(f"{server.directory} is deleted; the next start makes an empty one.")
    return 0
