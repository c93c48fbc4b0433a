"""Budgets: what the file may say, and how it is held against windows."""

from pathlib import Path

import pytest

from loadtests.lab.budgets import BUDGETS, Budgets, evaluate
from loadtests.lab.result import Gate, Outcome
from loadtests.lab.window import Window
from project.checks import Subject
from project.errors import CommandError
from tests.loadtests.lab.evidence import READ, WRITE, a_window, evidence

ROUTES = (READ, WRITE)


def gate(text: str, *windows: Window) -> Gate:
    """The one gate of a file with one budget."""
    (found,) = evaluate(Budgets.parse(text, ROUTES), evidence(*windows))
    return found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[globl]", "unknown table 'globl'. Did you mean 'global'?"),
        ("[global]\np95 = 1", "unknown metric of [global] 'p95'. Did you mean 'p95_ms'?"),
        ("[global]\nspeed = 1", "There are: error_rate, p50_ms,"),
        ("[global]\np95_ms = '100 ms'", "p95_ms = '100 ms' is no number from 0 on, without a unit"),
        ("[global]\np95_ms = nan", "is no number"),
        ("[global]\np95_ms = true", "is no number"),
        ("[global]\nerror_rate = 5", "error_rate = 5 is a share: from 0 to 1."),
        ("global = 3", "global is a table: [global]."),
        ('[route."GET /thing/{id}"]', "Did you mean 'GET /things/{id}'?"),
        ('[route."GET /things/{id}"]\nqueries = 1', "Did you mean 'queries_max'?"),
        ("[limits]\nmemory = 1", "Did you mean 'memory_share'?"),
        ("[regression]\nrate = '-7%'", "unknown metric of [regression] 'rate'"),
        ("[regression]\np95 = '+10ms'", 'unknown unit: write p95 = "+10%".'),
        ("[regression]\np95 = 10", "unknown unit"),
        ("[regression]\nqueries_per_request = '+5%'", 'write queries_per_request = "+0".'),
        ("[regression]\ncapacity = '+7%'", 'lets it get better only: write capacity = "-10%".'),
        ("[regression]\ncapacity = '-100%'", "leaves nothing"),
        ("[global", "is no TOML"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(CommandError) as refusal:
        Budgets.parse(text, ROUTES)
    assert complaint in str(refusal.value)
    assert refusal.value.exit_code == 2
    assert str(refusal.value).startswith("budgets.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.toml cannot be read: No such file"):
        Budgets.load(tmp_path / "none.toml", ROUTES)


@pytest.mark.needs("health", "items", "orders")
def test_the_projects_own_budgets_are_of_its_own_routes() -> None:
    paths = Subject.load().application.openapi()["paths"]
    routes = [f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs]
    budgets = Budgets.load(BUDGETS, routes)
    assert budgets.regression["capacity"] == -0.07
    assert next(iter(budgets.regression)) == "queries_per_request"


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ("[global]\np95_ms = LIMIT", 42.3),
        ("[global]\ncpu_ms_per_request = LIMIT", 3.0),
        ("[global]\nqueries_per_request = LIMIT", 2.0),
        (f'[route."{READ}"]\np50_ms = LIMIT', 20.0),
        (f'[route."{WRITE}"]\nqueries_max = LIMIT', 3.0),
        ("[limits]\nloop_lag_p95_ms = LIMIT", 4.4),
        ("[limits]\nconnections_share = LIMIT", 10 / 97),
        ("[limits]\nmemory_share = LIMIT", 1 / 16),
    ],
)
def test_a_budget_is_kept_up_to_its_figure(text: str, observed: float) -> None:
    kept, broken = (
        gate(text.replace("LIMIT", str(observed * by)), a_window()) for by in (1.02, 0.98)
    )
    assert kept.observed == pytest.approx(observed, rel=0.015)
    assert (kept.outcome, broken.outcome) == (Outcome.PASS, Outcome.FAIL)


def test_failures_count_in_their_rate_alone() -> None:
    assert gate("[global]\nerror_rate = 0.01", a_window(failed=9)).outcome is Outcome.PASS
    assert gate("[global]\nerror_rate = 0.01", a_window(failed=20)).outcome is Outcome.FAIL
    assert gate("[global]\np50_ms = 10", a_window(failed=900)).outcome is Outcome.FAIL


def test_capacity_is_a_least() -> None:
    windows = [a_window(count=count) for count in (900, 1000, 1100)]
    assert gate("[global]\ncapacity_min = 99", *windows).outcome is Outcome.PASS
    assert gate("[global]\ncapacity_min = 101", *windows).outcome is Outcome.FAIL
    (found,) = evaluate(
        Budgets.parse("[global]\ncapacity_min = 99", ROUTES), evidence(*windows, capacity=80.0)
    )
    assert found.observed == 80.0


def test_latency_is_of_open_arrivals_where_there_are_some() -> None:
    windows = a_window(latency=0.5), a_window(latency=0.02, model="open")
    assert gate("[global]\np95_ms = 60", *windows).outcome is Outcome.PASS
    windows[1].voids.append("late")
    assert gate("[global]\np95_ms = 900", *windows).note == "no window is valid: late"


def test_a_quantile_of_too_few_requests_is_inconclusive() -> None:
    found = gate(f'[route."{WRITE}"]\np99_ms = 900', a_window())
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.note == "250 requests, and 500 are needed"


def test_what_was_not_seen_is_void_and_never_kept() -> None:
    text = f'[route."{READ}"]\nqueries_max = 9'
    void = a_window(voids=("the generator was late",))
    assert gate(text, void).note == "no window is valid: the generator was late"
    assert gate(text, void, a_window()).outcome is Outcome.PASS
    unseen = a_window().model_copy(update={"routes": []})
    assert gate(text, unseen).note == "nothing measured visited it"
    assert gate("[global]\nburst_pool_timeouts = 0", a_window()).outcome is Outcome.VOID
