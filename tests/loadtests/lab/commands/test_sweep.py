"""`loadtest sweep` on a real server, as short as it gets."""

from pathlib import Path

import pytest

from loadtests.lab.measure import RESULTS
from loadtests.lab.result import ExitCode, Result
from tests.loadtests.lab.commands.conftest import manage

PATIENCE = 400.0


@pytest.mark.loadtest
@pytest.mark.long
def test_a_sweep_concludes(results: set[Path]) -> None:
    with manage("sweep", "--minutes", "3") as process:
        out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode in {ExitCode.PASS, ExitCode.BUDGET, ExitCode.VOID}, out + error
    (path,) = (path for path in set(RESULTS.glob("*.json")) - results)
    result = Result.load(path)
    assert result.diagnoses
    assert result.diagnoses[0].counterfactuals
    assert "ms alone" in result.notes[0]
    assert not list(RESULTS.glob("*.unfinished"))
