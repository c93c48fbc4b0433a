"""File locks that the kernel drops when the last process that holds them is gone.

Unlike a number in a file, such a lock cannot be stale: neither `kill -9` nor a reused process
number nor a zombie leaves one behind.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from project.db.embedded.errors import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_POLL_SECONDS = 0.005


def poll(condition: Callable[[], bool], timeout: float) -> bool:
    """Ask until the condition holds; false when it does not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file if nobody has it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[int]:
    """Hold the lock; yields the descriptor, so that a child can be made to hold it too."""
    descriptor = open_lock(path)
    try:
        if not poll(lambda: try_lock(descriptor), timeout):
            raise EmbeddedServerError(
                f"Another process has held {path} for {timeout:g} s: wait for it, or end it."
            )
        yield descriptor
    finally:
        # Closing, not unlocking: a child that got the descriptor goes on holding the lock.
        os.close(descriptor)
