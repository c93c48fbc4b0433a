"""`loadtest run`: what a window comes down to, and the whole way on a real server."""

import signal
import sys
from pathlib import Path

import psutil
import pytest

from loadtests.lab.cli import INTERRUPTED
from loadtests.lab.commands.run import conclude
from loadtests.lab.measure import RESULTS
from loadtests.lab.result import ExitCode, Result
from loadtests.lab.window import Pool, Route, Window
from tests.loadtests.lab.commands.conftest import manage
from tests.loadtests.lab.windows import a_window, a_worker, durations

PATIENCE = 120.0
FAILED = Route(
    route="GET /a", ok=durations(0.02, 99), failed=durations(0.02, 1), complaints={"got 500": 1}
)


@pytest.mark.parametrize(
    ("window", "code", "said"),
    [
        (a_window(), ExitCode.PASS, "100 requests/s, p95 20 ms, without a failure."),
        (a_window(routes=[FAILED]), ExitCode.BUDGET, "most often GET /a: got 500"),
        (a_window(voids=["It was late."]), ExitCode.VOID, "Void: It was late."),
        (
            a_window(workers=[a_worker(pools={"sync": Pool(size=2, timeouts=3)})], voids=["late"]),
            ExitCode.LOCK_UP,
            "3 requests waited for a connection",
        ),
    ],
)
def test_what_a_window_comes_down_to(window: Window, code: ExitCode, said: str) -> None:
    found, summary = conclude(window)
    assert found is code
    assert said in summary


@pytest.mark.loadtest
def test_a_run_leaves_a_document_and_a_report(results: set[Path]) -> None:
    with manage("run", "--users", "2", "--duration", "5") as process:
        out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode in {ExitCode.PASS, ExitCode.VOID}, out + error
    paths = {path.suffix: path for path in set(RESULTS.glob("*")) - results}
    result = Result.load(paths[".json"])
    assert result.verdict.code == process.returncode
    assert result.windows[0].requests > 0
    assert sum(worker.requests for worker in result.windows[0].workers) > 0
    assert paths[".html"].stat().st_size > 1000
    assert result.verdict.summary.split(",")[0] in out


@pytest.mark.loadtest
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_it_leaves_nothing_behind(results: set[Path], number: int) -> None:
    with manage("run", "--users", "2", "--duration", "60") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith("run"):
                break
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) > 2
        # A terminal's Ctrl-C reaches all of them; manage.py leaves it to the laboratory.
        (family[0] if number == signal.SIGINT else process).send_signal(number)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == (INTERRUPTED if number == signal.SIGINT else 143)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert set(RESULTS.glob("*")) == results
