"""Where the embedded server listens: the same place after every stop, crash and start."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from project.db.embedded.errors import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "postgres"
# The least that any system offers for the path of a socket (macOS: 104 bytes with the NUL).
_LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True)
class SocketAddress:
    """A Unix socket in a folder that only this user can enter; hence no password."""

    folder: Path
    port: int = 5432

    @property
    def socket(self) -> Path:
        return self.folder / f".s.PGSQL.{self.port}"

    @property
    def lock_file(self) -> Path:
        return self.folder / f".s.PGSQL.{self.port}.lock"

    def prepare(self) -> None:
        """Make the folder, or refuse one that somebody else could have laid there."""
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET_PATH:
            raise EmbeddedServerError(
                f"{self.socket} is too long for a socket: set TMPDIR to a shorter path."
            )
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not self._is_private():
            raise EmbeddedServerError(
                f"{self.folder} is not a private folder of this user: remove it "
                "(it may be somebody's trap), or set DATABASE_URL."
            )

    def discard(self) -> None:
        """Remove the folder of a server that is gone, unless it is somebody else's."""
        with suppress(OSError):
            self.folder.rmdir()

    def _is_private(self) -> bool:
        found = self.folder.lstat()
        is_ours = sys.platform == "win32" or found.st_uid == os.geteuid()
        return stat.S_ISDIR(found.st_mode) and is_ours and not found.st_mode & 0o077

    def answers(self) -> bool:
        """Whether any process listens there."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
            except OSError:
                return False
        return True

    def options(self) -> Mapping[str, str]:
        """Settings of the server."""
        # The folder is an item of a list, hence quotes inside the quotes of the setting.
        escaped = str(self.folder).replace('"', '""')
        return {
            "listen_addresses": "",
            "unix_socket_directories": f'"{escaped}"',
            "unix_socket_permissions": "0700",
            "port": str(self.port),
        }

    def initdb_arguments(self) -> list[str]:
        return ["--auth-local=trust", "--auth-host=reject"]

    def url(self, database: str) -> str:
        # The port stands in it because libpq would otherwise take PGPORT.
        host = quote(str(self.folder), safe="/")
        name = quote(database, safe="")
        return f"postgresql+psycopg://{USER}@/{name}?host={host}&port={self.port}"

    def connection_parameters(self) -> dict[str, str]:
        return {"host": str(self.folder), "port": str(self.port), "user": USER}


@dataclass(frozen=True)
class TcpAddress:
    """Loopback with a generated password, for Windows. Not run there yet."""

    port: int
    password: str
    password_file: Path

    def prepare(self) -> None:
        """Nothing to make: the port is bound by the server."""

    def discard(self) -> None:
        """Nothing to remove: the port and the password serve the next cluster too."""

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def options(self) -> Mapping[str, str]:
        return {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(self.port),
        }

    def initdb_arguments(self) -> list[str]:
        return ["--auth=scram-sha-256", f"--pwfile={self.password_file}"]

    def url(self, database: str) -> str:
        name = quote(database, safe="")
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def connection_parameters(self) -> dict[str, str]:
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": USER,
            "password": self.password,
        }


Address = SocketAddress | TcpAddress


def address_of(directory: Path) -> Address:
    """The address of the server that keeps its data in `directory` (an absolute path)."""
    if sys.platform == "win32":
        return _tcp_address(directory)
    # The user's number is part of the name: two users may have the same path, in containers
    # that share a temporary folder for instance, and must not meet.
    name = f"{os.geteuid()}:{directory}"
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return SocketAddress(_temporary_folder() / f"lintel-{digest}")


def _temporary_folder() -> Path:
    # /tmp before TMPDIR and XDG_RUNTIME_DIR: those differ between a login shell, a cron job and
    # an editor of the same user, and all of them must find the same server.
    shared = Path("/tmp")  # noqa: S108 - the folder below it is private and checked
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def _tcp_address(directory: Path) -> TcpAddress:
    directory.parent.mkdir(parents=True, exist_ok=True)
    store = directory.with_name(f"{directory.name}.address.json")
    password_file = directory.with_name(f"{directory.name}.password")
    if not store.exists():
        password_file.write_text(secrets.token_urlsafe(32), encoding="ascii")
        store.write_text(json.dumps({"port": _free_port()}), encoding="ascii")
    port = json.loads(store.read_text(encoding="ascii"))["port"]
    return TcpAddress(port, password_file.read_text(encoding="ascii"), password_file)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
