"""A child program's end is our end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from project.management.process import run_process
from tests.project.management.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("program", "code"), [("raise SystemExit(3)", 3), ("", 0)])
def test_exit_code(program: str, code: int) -> None:
    assert run_process([sys.executable, "-c", program], cwd=ROOT, env=os.environ) == code


def test_a_signal_becomes_its_exit_code() -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run_process([sys.executable, "-c", program], cwd=ROOT, env=os.environ) == 137


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_child_gets_the_time_to_tidy_up(number: signal.Signals, tmp_path: Path) -> None:
    child = (
        "import signal, sys, time\n"
        "def tidy(*_):\n    time.sleep(0.4); print('tidy', flush=True); sys.exit(7)\n"
        f"signal.signal({int(number)}, tidy)\nprint('ready', flush=True)\ntime.sleep(30)\n"
    )
    parent = (
        "import os, sys; from project.management.process import run_process\n"
        f"sys.exit(run_process([sys.executable, '-c', {child!r}], cwd='.', env=os.environ))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        assert process.stdout.read() == "tidy\n"
        assert process.wait(60) == 7
    assert tmp_path.exists()
