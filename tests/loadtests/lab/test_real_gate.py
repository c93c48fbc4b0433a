"""The gate with real servers: minutes of load, so that the default run leaves them out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from project.settings import ROOT

pytestmark = [pytest.mark.loadtest, pytest.mark.long]
TRUTHFUL = {0, 1, 4, 5}
"""What a revision beside itself may end with; a busy machine makes some of it void or undecided."""


def test_a_revision_beside_itself_is_no_regression(tmp_path: Path) -> None:
    """About three minutes. It may not be worse than itself, whatever the machine is busy with."""
    junit = tmp_path / "gate.xml"
    words = ["gate", "--base", "HEAD", "--profile", "quick", "--minutes", "2"]
    finished = subprocess.run(
        [sys.executable, "manage.py", "loadtest", *words, "--junit", str(junit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode in TRUTHFUL, finished.stderr
    assert "testcase" in junit.read_text()
    (path,) = [line for line in finished.stdout.splitlines() if line.endswith("-gate.json")]
    result = json.loads((ROOT / path).read_text())
    assert result["base"]["revision"] == result["git"]["revision"]
    queries = next(g for g in result["gates"] if g["metric"] == "queries_per_request")
    assert queries["outcome"] in {"pass", "void"}
