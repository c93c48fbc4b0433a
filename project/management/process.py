"""Running another program as if it were this one: its signals, its exit code."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType


def run_process(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
    """Run `command` to its end and return its exit code (128 + n when signal n ended it).

    Ctrl-C reaches the program from the terminal: it tidies up and we only wait for it
    (`subprocess.run` would kill it after a quarter of a second). SIGTERM is handed on.
    """
    with subprocess.Popen(command, cwd=cwd, env=env) as process, _signals_left_to(process):
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _signals_left_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def hand_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    terminate = signal.signal(signal.SIGTERM, hand_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)
