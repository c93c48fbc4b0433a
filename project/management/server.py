"""Serves the application: one process, several workers, or one that reloads."""

import argparse
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from types import FrameType

import uvicorn
from uvicorn.supervisors import ChangeReload, Multiprocess

from project.errors import CommandError
from project.settings import ROOT, Settings

APPLICATION = "project.asgi:app"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
HIGHEST_PORT = 65_535
BACKLOG = 2048
KEEP_ALIVE = 75
# psycopg's async side cannot use the proactor loop, which is Windows' own choice.
LOOP = "asyncio:SelectorEventLoop" if sys.platform == "win32" else "auto"
WATCHED_FOLDERS = ("project", "apps", "migrations")


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every command that serves understands."""
    parser.add_argument("--host", default=None, help=f"address to listen on ({DEFAULT_HOST})")
    parser.add_argument("--port", type=parse_port, default=None, help=f"port ({DEFAULT_PORT})")
    parser.add_argument(
        "--workers", type=_count, default=None, help="processes that answer (setting WORKERS)"
    )


def parse_port(text: str) -> int:
    """Read a port number. Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number up to {HIGHEST_PORT}, not '{text}'")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"the number of workers is 1 or more, not '{text}'")
    return int(text)


def bind(host: str, port: int) -> socket.socket:
    """Take the port, before anything else is started. Port 0 takes any free one.

    Raises CommandError, one line, if it is taken or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CommandError(f"'{host}' is not an address to listen on: {error.strerror}.") from error
    try:
        if sys.platform != "win32":  # there it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CommandError(_explain(error, host, port)) from error
    return listener


def _explain(error: OSError, host: str, port: int) -> str:
    if isinstance(error, PermissionError):
        return f"Port {port} needs rights that you do not have: pass a --port above 1023."
    reason = "is in use" if "in use" in str(error).lower() else f"cannot be used ({error.strerror})"
    return f"Port {port} on {host} {reason}: stop the other server or pass another --port."


def url_of(listener: socket.socket, path: str = "/") -> str:
    """Return the address that a person types into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def serve(
    listener: socket.socket, settings: Settings, *, workers: int, is_reloading: bool = False
) -> int:
    """Answer requests until SIGINT or SIGTERM; requests in flight finish first."""
    config = _configure(settings, workers=workers, is_reloading=is_reloading)
    listener.set_inheritable(True)
    with listener:
        return _run(config, listener)


def _run(config: uvicorn.Config, listener: socket.socket) -> int:
    server = uvicorn.Server(config)
    if config.should_reload:
        ChangeReload(config, target=server.run, sockets=[listener]).run()
        return 0
    if config.workers > 1:
        _rehearse()
        Multiprocess(config, sockets=[listener]).run()
        return 0
    config.load()  # a broken app is an error of this command, told in one line
    _run_until_told(server, listener)
    return 0 if server.started else 1


def _rehearse() -> None:
    """Build the application once, in a process that ends, before workers are started.

    The supervisor would start broken workers again and again; and an application built in
    the supervisor itself would cost it a worker's memory for nothing.
    """
    check = [sys.executable, str(ROOT / "manage.py"), "check", "--no-database"]
    finished = subprocess.run(check, capture_output=True, text=True, check=False)
    if finished.returncode:
        last = (finished.stderr or finished.stdout).strip().splitlines()[-1]
        raise CommandError(last.removeprefix("Error: "))


def _run_until_told(server: uvicorn.Server, listener: socket.socket) -> None:
    """Run until SIGINT or SIGTERM, and end as if nobody had to be told.

    uvicorn raises the signal again when it is done, which would end the process by it. And
    one that comes before uvicorn listens for signals must count, too.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with suppress(KeyboardInterrupt):
        server.run([listener])


def _configure(settings: Settings, *, workers: int, is_reloading: bool) -> uvicorn.Config:
    return uvicorn.Config(
        APPLICATION,
        loop=LOOP,
        workers=workers,
        reload=is_reloading,
        reload_dirs=[str(ROOT / name) for name in WATCHED_FOLDERS] if is_reloading else None,
        log_config=None,  # our own logging, our own access log
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.server.shutdown_timeout,
        proxy_headers=True,
        forwarded_allow_ips=",".join(settings.web.trusted_proxies),
        timeout_worker_healthcheck=10,
    )
