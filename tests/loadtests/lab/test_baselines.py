"""Baselines and comparisons: only what was measured alike, on machines of one class."""

from pathlib import Path

import pytest

from loadtests.lab import baselines
from loadtests.lab.budgets import Budgets
from loadtests.lab.cli import main
from loadtests.lab.commands import compare
from loadtests.lab.gate import PROFILES, judge, run_pairs
from loadtests.lab.result import ExitCode, Result
from project.errors import CommandError
from tests.loadtests.lab.machines import NoisyMachine
from tests.loadtests.lab.test_result import MACHINE, a_result

TOLERANCES = Budgets(regression={"cpu_ms_per_request": 0.07})
Capture = pytest.CaptureFixture[str]


def a_gate(*, slower: float = 0.0, seed: int = 0) -> Result:
    machine = NoisyMachine(slower=slower, seed=seed)
    windows = run_pairs(machine.measure, TOLERANCES, PROFILES["quick"], clock=machine.clock)
    return a_result().model_copy(update={"kind": "gate", "windows": windows})


def test_what_is_accepted_is_found_again(tmp_path: Path) -> None:
    path = baselines.accept(a_gate(), "release", folder=tmp_path)
    assert path.parent.name == "2-core-a-processor-4-gib-linux"
    kept = baselines.stored(MACHINE, "release", folder=tmp_path)
    assert kept.kind == "baseline"
    assert {window.name[-1] for window in kept.windows} == {"B"}


def test_another_class_is_refused_and_named(tmp_path: Path) -> None:
    baselines.accept(a_gate(), "release", folder=tmp_path)
    other = MACHINE.model_copy(update={"cores": 16})
    with pytest.raises(CommandError, match=r"^No baseline of 16-core.*some of 2-core.*--base"):
        baselines.stored(other, "release", folder=tmp_path)
    with pytest.raises(CommandError, match="different machines say nothing"):
        baselines.refuse_different(a_gate(), a_gate().model_copy(update={"machine": other}))
    with pytest.raises(CommandError, match="different journeys"):
        baselines.refuse_different(a_gate(), a_gate().model_copy(update={"mix_hash": "other"}))


def test_what_is_no_gate_is_not_accepted(tmp_path: Path) -> None:
    void = a_gate()
    for window in void.windows:
        window.voids.append("late")
    for result in (a_result(), void):
        with pytest.raises(CommandError, match="0 valid windows of a gate") as refusal:
            baselines.accept(result, "release", folder=tmp_path)
        assert refusal.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_results_of_two_days_are_compared() -> None:
    same = compare.compare(a_gate(), a_gate(seed=1), TOLERANCES)
    worse = compare.compare(a_gate(), a_gate(seed=1, slower=0.6), TOLERANCES)
    assert judge(same).code is not ExitCode.REGRESSION
    assert judge(worse).code is ExitCode.REGRESSION
    assert compare.table(worse)[0].startswith("fail          regression cpu_ms_per_request  +")


def test_the_verb_ends_with_its_code(tmp_path: Path, capsys: Capture) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    a_gate().write(before)
    a_gate(slower=0.9).write(after)
    assert main(["compare", str(before), str(after)]) == ExitCode.REGRESSION
    assert "Worse than its base: regression" in capsys.readouterr().out
    assert main(["compare", str(before), str(tmp_path / "none.json")]) == ExitCode.USAGE
    assert main(["baseline", "accept"]) == ExitCode.USAGE
    assert len(capsys.readouterr().err.splitlines()) == 2
