"""The address that a server listens on: as it is typed, as a socket, as a link."""

import argparse
import socket
import sys

from project.errors import CommandError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
HIGHEST_PORT = 65_535
BACKLOG = 2048


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
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a name"
        raise CommandError(f"'{host}' is not an address to listen on: {reason}.") from error
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
