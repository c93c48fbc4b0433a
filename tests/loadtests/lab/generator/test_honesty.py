"""What the generator says, beside what theory says of servers whose waits are known.

These take their time, and want a machine that is not busy with other things.
"""

import statistics
from itertools import chain

import pytest

from loadtests.lab.generator.driver import Tally, drive
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.generator.schedule import due_moments
from tests.loadtests.lab.generator.conftest import ORACLE, Oracle
from tests.loadtests.lab.generator.oracle import SERVICE

LATE = 0.02


def measure(segment: Segment, scenario: str) -> Tally:
    """Measure; again, if arrivals were late, which says that others had the machine."""
    plan = Plan((segment,), scenarios=(f"{ORACLE}:{scenario}",), seed=7)
    for _ in range(3):
        (tally,) = drive(plan)
        if (tally.generator.lateness.quantile(0.99) or 0.0) < LATE:
            break
    return tally


def quantiles_of(tally: Tally) -> list[float]:
    (route,) = tally.routes
    assert not route.failed.count
    return [route.ok.quantile(share) or 0.0 for share in (0.9, 0.95, 0.99)]


@pytest.mark.loadtest
def test_stalls_are_seen_by_whoever_was_due(oracle: Oracle) -> None:
    """A fifth of all visitors wait, up to a second: 500, 750 and 950 ms."""
    tally = measure(Segment("open", oracle.host, "open", 30, rate=100), "Stalled")
    assert quantiles_of(tally) == pytest.approx([0.5, 0.75, 0.95], rel=0.1)
    assert tally.generator.dropped == 0


@pytest.mark.loadtest
def test_users_that_wait_for_their_answers_hide_a_stall(oracle: Oracle) -> None:
    """Ten users stand still while the server does, and ask it little that would be late."""
    paced = Segment("closed", oracle.host, "closed", 15, users=10, pace=0.1)
    tally = measure(paced, "Stalled")
    assert quantiles_of(tally)[1] < 0.1
    assert tally.journeys / tally.seconds < 95


@pytest.mark.loadtest
@pytest.mark.parametrize("utilisation", [0.5, 0.8])
def test_mean_wait_of_one_server_with_constant_service(oracle: Oracle, utilisation: float) -> None:
    """What these very arrivals must wait, service included; and nobody serves them faster."""
    segment = Segment("open", oracle.host, "open", 20, rate=utilisation / SERVICE)
    (route,) = measure(segment, "Queued").routes
    assert route.ok.mean == pytest.approx(mean_wait(segment), rel=0.15)


@pytest.mark.parametrize("utilisation", [0.5, 0.8])
def test_arrivals_wait_as_theory_says(utilisation: float) -> None:
    """M/D/1, over a day."""
    segment = Segment("open", "http://127.0.0.1", "open", 86_400, rate=utilisation / SERVICE)
    theory = SERVICE + utilisation * SERVICE / (2 * (1 - utilisation))
    assert mean_wait(segment) == pytest.approx(theory, rel=0.03)


def mean_wait(segment: Segment) -> float:
    """What these very arrivals wait for a single server, service included."""
    streams = (due_moments(segment, 10, f"7/0/{number}") for number in range(10))
    free_at, waits = 0.0, []
    for due in sorted(chain.from_iterable(streams)):
        free_at = max(free_at, due) + SERVICE
        waits.append(free_at - due)
    return statistics.fmean(waits)


@pytest.mark.parametrize("streams", [1, 10])
def test_arrivals_are_poisson(streams: int) -> None:
    """The number in a second varies as much as its mean: a dispersion of one."""
    segment = Segment("open", "http://127.0.0.1", "open", 2000, rate=20)
    counts = [0] * 2000
    for number in range(streams):
        for due in due_moments(segment, streams, f"1/{number}"):
            counts[int(due)] += 1
    mean = statistics.fmean(counts)
    assert mean == pytest.approx(20, rel=0.02)
    assert statistics.pvariance(counts, mean) / mean == pytest.approx(1, abs=0.1)
