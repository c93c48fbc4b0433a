"""Gates as JUnit XML."""

import xml.etree.ElementTree as ET  # reads what was written here
from pathlib import Path

from loadtests.lab.junit import write_junit
from loadtests.lab.result import ExitCode, Gate, Outcome, Verdict
from tests.loadtests.lab.test_result import a_result

GATES = [
    Gate(scope="global", metric="p95_ms", allowed=100, observed=90.0, outcome=Outcome.PASS),
    Gate(scope="GET /a<b", metric="queries_max", allowed=2, observed=3, outcome=Outcome.FAIL),
    Gate(scope="global", metric="p99_ms", allowed=1, outcome=Outcome.VOID, note="steal 9 %"),
    Gate(scope="regression", metric="p95", allowed=0.1, outcome=Outcome.INCONCLUSIVE),
]


def test_each_gate_is_a_case_and_only_what_is_kept_passes(tmp_path: Path) -> None:
    verdict = Verdict(code=ExitCode.BUDGET, summary="Over budget.")
    result = a_result().model_copy(update={"gates": GATES, "verdict": verdict})
    write_junit(result, tmp_path / "new" / "gate.xml")
    (suite,) = ET.parse(tmp_path / "new" / "gate.xml").getroot()  # noqa: S314 - our own file
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "1",
        "errors": "2",
    }
    failed = suite.find("testcase/failure")
    assert failed is not None
    assert failed.get("message") == "3, 2 allowed"
    assert [case.get("name") for case in suite.findall("testcase")][1] == "queries_max of GET /a<b"
    facts = {found.get("name"): found.get("value") for found in suite.iter("property")}
    assert facts["verdict"] == "BUDGET"
