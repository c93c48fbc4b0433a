"""The server while its code is being written: it starts anew whenever a file changes.

A child process serves. When its code cannot be loaded it serves a page that says why, so that
nobody waits at a port that is open and silent; the next change starts it anew.

The libraries, two thirds of what a start takes, are imported once: on Linux the children are
forked from a process that holds them and hardly anything of ours. Elsewhere forking is not safe,
and each child imports everything.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from typing import TYPE_CHECKING

from project.collection import collect_as_usual, collect_rarely
from project.management.catalogue import ROOT, installed_apps, package_folder, shown

if TYPE_CHECKING:
    import uvicorn

Context = ForkServerContext | SpawnContext
WATCHED = ("project", "apps", "migrations", "manage.py", ".env")

Look = dict[Path, tuple[int, int]]
"""What a file looked like: when it was changed last, in nanoseconds, and its size in bytes."""

LIBRARIES = (
    "project.quiet",  # first: it keeps garbage collection away while the others are imported
    *("fastapi", "sqlalchemy.ext.asyncio", "sqlalchemy.ext.compiler", "psycopg"),
    "sqlalchemy.dialects.postgresql.psycopg",
    *("pydantic_settings", "pydantic.v1", "sqladmin", "jinja2.ext", "loguru", "jwt", "smtplib"),
    *("uvicorn", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvloop"),
    *("httptools", "PIL.ImageCms", "pwdlib.hashers.argon2", "email_validator", "segno"),
    *("python_multipart", "cryptography.hazmat.primitives.ciphers.aead", "email.policy"),
    "starlette.middleware.cors",
)
"""What the application needs, imported once; a name that is not installed is passed over."""

INTERVAL = 0.25
"""Seconds between two looks at the files."""

PATIENCE = 2
"""Seconds that open answers get when the code has changed."""

SHORT_LIFE = 5.0
"""Seconds; a server that ends by itself before has hardly begun."""


def prepare() -> Context:
    """Begin to import the libraries, in a process of their own; return what makes children.

    Calling it again changes nothing. The process ends with this one.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # noqa: PLC0415 - Windows has none

    forkserver.set_forkserver_preload(list(LIBRARIES))
    forkserver.ensure_running()
    return multiprocessing.get_context("forkserver")


class Reloader:
    """Watches folders and files, those that come and go included, and restarts the server."""

    def __init__(
        self,
        context: Context,
        config: uvicorn.Config,
        listener: socket.socket,
    ) -> None:
        multiprocessing.allow_connection_pickling()
        self._context = context
        self._arguments = config, listener
        self._watched = watched_paths()
        self._told_to_stop = threading.Event()
        self._is_given_up = False

    def run(self, *, once_started: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM. `once_started` runs beside the first child's start."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):  # Windows knows no terminal that hangs up
                signal.signal(getattr(signal, name), lambda *_: self._told_to_stop.set())
        self._seen = look_at(self._watched)
        self._start()
        try:
            once_started()
            while not self._told_to_stop.wait(INTERVAL):
                if self._has_changed() or self._has_died():
                    self._end()
                    self._start()
                    once_started()
        finally:
            self._end()

    def _start(self) -> None:
        self._child = self._context.Process(target=serve_or_explain, args=self._arguments)
        self._child.start()
        self._since = time.monotonic()

    def _end(self) -> None:
        """End the child, within seconds even if it is stuck."""
        self._child.terminate()
        self._child.join(2 * PATIENCE)
        if self._child.exitcode is None:
            self._child.kill()
            self._child.join()

    def _has_changed(self) -> bool:
        before, self._seen = self._seen, look_at(self._watched)
        if before == self._seen:
            return False
        print(f"{_changed(before, self._seen)} changed: starting anew.", flush=True)
        self._is_given_up = False
        return True

    def _has_died(self) -> bool:
        """Whether it ended by itself; one that hardly lived would only die again."""
        if self._child.is_alive() or self._is_given_up:
            return False
        self._is_given_up = time.monotonic() - self._since < SHORT_LIFE
        then = "waiting for a change" if self._is_given_up else "starting anew"
        print(f"The server ended by itself ({self._child.exitcode}): {then}.", flush=True)
        return not self._is_given_up


def _changed(before: Look, after: Look) -> str:
    paths = sorted(path for path in before | after if before.get(path) != after.get(path))
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{shown(paths[0])}{more}"


def watched_paths() -> list[Path]:
    """List the folders and files whose changes count: ours, and apps that are being written
    elsewhere, but nothing that was installed to stay.
    """
    folders = (package_folder(app) for app in installed_apps())
    elsewhere = (folder for folder in folders if folder and "site-packages" not in folder.parts)
    ours = [ROOT / name for name in WATCHED]
    return ours + [path for path in elsewhere if not path.is_relative_to(ROOT)]


def look_at(watched: Sequence[Path]) -> Look:
    """Return what the Python files below these folders, and these files themselves, look like."""
    found: Look = {}
    for path in watched:
        for file in _modules_below(path) if path.is_dir() else (path,):
            try:
                status = file.stat()
            except OSError:  # it went at this very moment, or was never there
                continue
            found[file] = status.st_mtime_ns, status.st_size
    return found


def _modules_below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        yield from (Path(root, name) for name in files if name.endswith(".py"))


def _end_with_parent() -> None:
    """Let this process end when the one that watches is gone, however it went."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="watch-parent", daemon=True).start()


def serve_or_explain(config: uvicorn.Config, listener: socket.socket) -> None:
    """Serve the application that `config` names, or what keeps it from being served."""
    import uvicorn  # noqa: PLC0415 - the process that watches has no use for it

    from project.management.broken import Explained  # noqa: PLC0415 - the same

    _end_with_parent()
    collect_rarely()
    config.app = Explained(str(config.app))
    collect_as_usual()
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it is done
        uvicorn.Server(config).run([listener])
