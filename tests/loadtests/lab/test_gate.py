"""The gate: right about simulated machines whose truth is known, and never 0 without a reason."""

from collections import Counter
from collections.abc import Sequence

import pytest

from loadtests.lab.budgets import Budgets
from loadtests.lab.gate import PROFILES, Profile, Turn, judge, run_pairs
from loadtests.lab.regression import compare, compare_stored, floor_of, paired
from loadtests.lab.result import ExitCode, Gate, Outcome
from loadtests.lab.window import Window
from tests.loadtests.lab.machines import NoisyMachine

BUDGETS = Budgets(
    regression={
        "queries_per_request": 0.0,
        "cpu_ms_per_request": 0.07,
        "capacity": -0.07,
        "p95": 0.15,
    }
)
PROFILE = PROFILES["release"]
TRIALS = 40


def gates(machine: NoisyMachine, profile: Profile = PROFILE) -> list[Gate]:
    windows = run_pairs(machine.measure, BUDGETS, profile, clock=machine.clock)
    return compare(BUDGETS.regression, paired(windows), minutes=machine.now / 60)


def verdicts(*, slower: float) -> Counter[ExitCode]:
    """What the gate says of a candidate that is slower by this share, on many noisy days."""
    machines = (NoisyMachine(slower=slower, seed=seed) for seed in range(TRIALS))
    return Counter(judge(gates(machine)).code for machine in machines)


def test_the_same_twice_is_no_regression() -> None:
    found = verdicts(slower=0.0)
    assert found[ExitCode.REGRESSION] <= 0.05 * TRIALS
    assert found[ExitCode.PASS] >= 0.8 * TRIALS


def test_fifteen_percent_are_caught() -> None:
    assert verdicts(slower=0.15)[ExitCode.REGRESSION] >= 0.9 * TRIALS


def test_two_percent_never_fail() -> None:
    assert verdicts(slower=0.02)[ExitCode.REGRESSION] == 0


def test_one_statement_more_is_a_regression_on_any_machine() -> None:
    found = gates(NoisyMachine(queries=4))
    verdict = judge(found)
    assert verdict.code is ExitCode.REGRESSION
    assert "GET /things/{id}: 3.0 before, 4.0 now" in verdict.summary


def test_too_little_time_is_inconclusive_and_says_how_much_would_do() -> None:
    short = Profile("short", minutes=0.1, seconds=1, users=1)
    verdict = judge(gates(NoisyMachine(slower=0.06, seed=3), short))
    assert verdict.code is ExitCode.INCONCLUSIVE
    assert "minutes" in verdict.summary


def test_both_sides_get_the_same_journeys_in_alternating_order() -> None:
    seen: list[Turn] = []
    machine = NoisyMachine()

    def measure(turns: Sequence[Turn]) -> list[Window]:
        seen.extend(turns)
        return machine.measure(turns)

    run_pairs(measure, BUDGETS, PROFILE, clock=machine.clock)
    closed = [turn for turn in seen if turn.model == "closed"]
    assert "".join(turn.side for turn in closed).startswith("ABBAABBA")
    assert [turn.seed for turn in closed[:4]] == [1, 1, 2, 2]
    rates = {turn.rate for turn in seen if turn.model == "open"}
    assert len(rates) == 1
    assert 30 < rates.pop() < 70  # half of 100 journeys a second


def test_void_windows_leave_nothing_to_conclude() -> None:
    machine = NoisyMachine()

    def measure(turns: Sequence[Turn]) -> list[Window]:
        found = machine.measure(turns)
        return [window.model_copy(update={"voids": ["steal 9 %"]}) for window in found]

    windows = run_pairs(measure, BUDGETS, PROFILES["quick"], clock=machine.clock)
    verdict = judge(compare(BUDGETS.regression, paired(windows)))
    assert verdict.code is ExitCode.VOID
    assert "no pair is valid: steal 9 %" in verdict.summary
    assert machine.now <= 60 * PROFILES["quick"].minutes


def test_latency_has_no_substitute_where_all_open_windows_are_void() -> None:
    machine = NoisyMachine()
    windows = run_pairs(machine.measure, BUDGETS, PROFILE, clock=machine.clock)
    for window in windows:
        window.voids += ["late"] if window.model == "open" else []
    found = {gate.metric: gate for gate in compare(BUDGETS.regression, paired(windows))}
    assert found["p95"].outcome is Outcome.VOID
    assert found["capacity"].outcome is Outcome.PASS


def test_one_void_window_takes_its_pair_with_it() -> None:
    machine = NoisyMachine()
    windows = run_pairs(machine.measure, BUDGETS, PROFILE, clock=machine.clock)
    windows[0].voids.append("the generator was late")
    windows[0].routes[0].queries = 99.0
    (queries, *_) = compare(BUDGETS.regression, paired(windows))
    assert queries.outcome is Outcome.PASS
    assert 0.03 <= floor_of(paired(windows)) < 0.3


def test_a_stored_base_shows_only_what_is_more_than_drift() -> None:
    def day(seed: int, slower: float) -> list[Window]:
        machine = NoisyMachine(seed=seed, slower=slower)
        windows = run_pairs(machine.measure, BUDGETS, PROFILE, clock=machine.clock)
        return [window for window in windows if window.name.endswith("B")]

    base = day(1, 0.0)
    same = compare_stored(BUDGETS.regression, base, day(2, 0.0))
    assert judge(same).code in {ExitCode.PASS, ExitCode.INCONCLUSIVE}
    assert "10% added for the drift" in same[1].note
    assert judge(compare_stored(BUDGETS.regression, base, day(2, 0.5))).code is ExitCode.REGRESSION


def a_gate(outcome: Outcome, *, scope: str = "global", metric: str = "p95_ms") -> Gate:
    return Gate(scope=scope, metric=metric, allowed=1.0, observed=2.0, outcome=outcome)


KEPT, BROKEN = a_gate(Outcome.PASS), a_gate(Outcome.FAIL)
VOID, OPEN = a_gate(Outcome.VOID), a_gate(Outcome.INCONCLUSIVE)
WORSE = a_gate(Outcome.FAIL, scope="regression", metric="capacity")
LOCKED = a_gate(Outcome.FAIL, metric="burst_pool_timeouts")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([KEPT], 0),
        ([KEPT, BROKEN], 1),
        ([BROKEN, OPEN, VOID], 1),
        ([WORSE, BROKEN, VOID], 3),
        ([KEPT, VOID], 4),
        ([OPEN, VOID], 4),
        ([], 4),
        ([KEPT, OPEN], 5),
        ([KEPT, WORSE, LOCKED], 6),
    ],
)
def test_exit_codes(found: list[Gate], code: int) -> None:
    assert judge(found).code == code
