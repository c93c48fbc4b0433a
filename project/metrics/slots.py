"""Where workers of one server find each other's readings: a folder with a slot for each.

A scrape reaches one worker and has to speak for all. A worker takes the first free slot and goes
on with the counters that it finds there, so counters survive the worker that counted, and there
are never more files than there were workers at once. A slot is taken by a lock, which the kernel
drops whatever becomes of the process.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from project.db.embedded.locks import is_locked, open_lock, try_lock
from project.errors import CommandError, ImproperlyConfigured
from project.metrics.readings import Readings

VARIABLE = "METRICS_DIRECTORY"
PREFIX = "lintel-metrics-"
YOUNG = 60.0
"""Seconds in which a new folder may have no worker yet."""


class Slot:
    """A worker's place in the folder, its own until `close` or the end of the process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path, self._lock = _take(directory)
        self.inherited = Readings()
        """What workers that had this slot before have counted."""
        self.inherited.add(_read(self._path), with_gauges=False)

    def publish(self, readings: Readings) -> None:
        """Let all workers read this; whoever reads meanwhile gets the old or the new, whole."""
        draft = self._path.with_suffix(".new")
        draft.write_text(readings.encode(), encoding="utf-8")
        draft.replace(self._path)

    def read_all(self) -> Readings:
        """Add up what all workers have published; the dead have counters, but no gauges."""
        total = Readings()
        for path in sorted(self._directory.glob("*.json")):
            total.add(_read(path), with_gauges=is_locked(path.with_suffix(".lock")))
        return total

    def close(self) -> None:
        """Leave the slot, and the counters in it, to the next worker."""
        os.close(self._lock)


def _take(directory: Path) -> tuple[Path, int]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return _first_free(directory)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{VARIABLE}={str(directory)!r} is no folder to write to: {error.strerror}."
        ) from error


def _first_free(directory: Path) -> tuple[Path, int]:
    for number in count():
        path = directory / f"{number}.json"
        lock = open_lock(path.with_suffix(".lock"))
        if try_lock(lock):
            return path, lock
        os.close(lock)
    raise AssertionError


def _read(path: Path) -> Readings:
    try:
        return Readings.decode(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # new, or torn when the machine lost its power
        return Readings()


@contextmanager
def shared_directory(configured: Path | None) -> Iterator[None]:
    """Give the workers that are started meanwhile a folder in common; it is removed in the end.

    One that is configured is taken as it is, and stays.
    """
    if configured is not None:
        yield
        return
    _remove_abandoned(Path(tempfile.gettempdir()))
    try:
        directory = tempfile.mkdtemp(prefix=PREFIX)
    except OSError as error:
        raise CommandError(
            f"No folder for the workers' metrics: {error.strerror}; set {VARIABLE}."
        ) from error
    os.environ[VARIABLE] = directory
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        shutil.rmtree(directory, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove what servers left behind that were killed."""
    for directory in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or gone meanwhile
            is_young = time.time() - directory.stat().st_mtime < YOUNG
            if not is_young and not any(is_locked(lock) for lock in directory.glob("*.lock")):
                shutil.rmtree(directory, ignore_errors=True)
