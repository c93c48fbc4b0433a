"""The data directory: made whole or not at all; its configuration and its log."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from project.db.embedded.binaries import MAJOR_VERSION, server_command, server_environment
from project.db.embedded.errors import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from project.db.embedded.address import Address

LOG_NAME = "server.log"
_LARGEST_LOG = 1_000_000

_OPTIONS = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.english",
    "min_wal_size": "32MB",
    "log_destination": "stderr",
    "logging_collector": "off",
    # Start, stop and crashes, but not every refused statement: those the application logs, and
    # a test suite or a load test provokes thousands of them.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}
# Data that survives nothing but the process is enough for tests, and twice as fast.
_FAST_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def is_created(directory: Path) -> bool:
    return (directory / "PG_VERSION").is_file()


def create_cluster(directory: Path, address: Address, *, durable: bool, lock: int) -> None:
    """Run initdb under another name, then rename: an interrupted one never counts.

    initdb inherits the lock, so that nobody starts a second one while an orphan still writes.
    """
    _remove_leftovers(directory)
    unfinished = directory.with_name(f"{directory.name}.new-{secrets.token_hex(4)}")
    command = server_command(
        "initdb",
        f"--pgdata={unfinished}",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        # Small segments save 9 MB, but with fsync on they make bulk loads half as fast.
        *([] if durable else ["--no-sync", "--wal-segsize=1"]),
        *address.initdb_arguments(),
    )
    # Made by us and not by initdb: in the user namespace root may not write in a folder of
    # another user, such as a checkout that is mounted into a container.
    unfinished.mkdir(mode=0o700)
    inherited = () if sys.platform == "win32" else (lock,)
    result = subprocess.run(
        command,
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        pass_fds=inherited,
    )
    if result.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        reason = last_line(result.stderr) or f"initdb ended with {result.returncode}"
        raise EmbeddedServerError(
            f"PostgreSQL could not set up {directory}: {reason}. Mend that, or set DATABASE_URL."
        )
    unfinished.rename(directory)


def check_owner(directory: Path) -> None:
    """Refuse another user's data: PostgreSQL would, and less clearly."""
    if sys.platform == "win32" or not directory.exists():
        return
    owner = directory.stat().st_uid
    if owner != os.geteuid():
        raise EmbeddedServerError(
            f"{directory} belongs to another user (uid {owner}): work as that user, "
            "delete it, or set DATABASE_URL."
        )


def check_contents(directory: Path) -> None:
    """Refuse what only looks like a data directory of ours; an empty folder will do."""
    if not directory.exists():
        return
    if not is_created(directory):
        if any(directory.iterdir()):
            raise EmbeddedServerError(
                f"{directory} is not a PostgreSQL data directory: move it away, "
                "or set DATABASE_URL."
            )
        return
    version = (directory / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != MAJOR_VERSION:
        raise EmbeddedServerError(
            f"{directory} was made by PostgreSQL {version}, not {MAJOR_VERSION}: "
            "`manage.py db reset` makes a new one."
        )


def delete_cluster(directory: Path) -> None:
    """Rename, then delete: an interrupted deletion leaves nothing that counts."""
    _remove_leftovers(directory)
    if directory.exists():
        doomed = directory.with_name(f"{directory.name}.old-{secrets.token_hex(4)}")
        directory.rename(doomed)
        shutil.rmtree(doomed)


def configure(directory: Path, address: Address, *, durable: bool) -> None:
    """Write postgresql.conf anew, at every start: a moved project has another address.

    What a person sets with ALTER SYSTEM lies in postgresql.auto.conf and goes first.
    """
    options = {**_OPTIONS, **({} if durable else _FAST_OPTIONS), **address.options()}
    text = "# Written at every start. For settings of your own use ALTER SYSTEM.\n"
    (directory / "postgresql.conf").write_text(text + _render(options), encoding="utf-8")


def _render(options: Mapping[str, str]) -> str:
    return "".join(f"{name} = {_quote(value)}\n" for name, value in options.items())


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def rotate_log(directory: Path) -> int:
    """Keep the log small; returns its present size, where the next start begins to write."""
    log = directory / LOG_NAME
    if not log.exists():
        return 0
    if log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_name(f"{LOG_NAME}.1"))
        return 0
    return log.stat().st_size


def last_words(directory: Path, since: int) -> str:
    """The last complaint in the log after the byte `since`."""
    with (directory / LOG_NAME).open("rb") as log:
        log.seek(since)
        lines = log.read().decode(errors="replace")
    return last_line(lines) or f"it left no word in {directory / LOG_NAME}"


def last_line(text: str) -> str:
    """The last line that names a failure, else simply the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    failures = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:"))]
    return (failures or lines or [""])[-1]


def _remove_leftovers(directory: Path) -> None:
    prefixes = (f"{directory.name}.new-", f"{directory.name}.old-")
    for path in directory.parent.iterdir():
        if path.name.startswith(prefixes):
            shutil.rmtree(path, ignore_errors=True)
