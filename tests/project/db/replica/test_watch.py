"""The lag, worked out from moments on the primary and positions of the replica."""

from time import monotonic

import pytest

from project.db.replica.positions import parse_position
from project.db.replica.watch import FRESH, Watch

CLUSTER = 7


@pytest.fixture
def watch() -> Watch:
    """One that has seen both at the same place, a hundred seconds ago."""
    watch = Watch(max_lag=5)
    tell(watch, primary="0/10", replica="0/10", ago=100)
    return watch


def tell(watch: Watch, *, ago: float = 0, primary: str = "", replica: str = "") -> None:
    at = monotonic() - ago
    if primary:
        watch.note_primary(CLUSTER, primary, asked_at=at)
    if replica:
        watch.note_replica(CLUSTER, replica, is_standby=True, asked_at=at)


def test_positions_are_numbers() -> None:
    assert parse_position("0/16EE240") == 0x16EE240
    assert parse_position("A/0") == 10 * 2**32


def test_nothing_is_known_at_first() -> None:
    watch = Watch(max_lag=5)
    assert watch.refusal() == "down"
    tell(watch, replica="0/10")
    assert watch.refusal() == "down"
    tell(watch, primary="0/20")
    assert watch.refusal() == "lag"


def test_a_primary_on_which_nothing_happens(watch: Watch) -> None:
    tell(watch, primary="0/10", replica="0/10")
    assert (watch.lag, watch.refusal()) == (0, None)


@pytest.mark.parametrize(("ago", "refusal"), [(97, None), (90, "lag")])
def test_lag_is_the_time_between_moments(watch: Watch, ago: float, refusal: str | None) -> None:
    tell(watch, primary="0/20", ago=ago)
    tell(watch, replica="0/1F")
    assert watch.lag == pytest.approx(100 - ago, abs=0.1)
    assert watch.refusal() == refusal


def test_a_primary_that_is_gone_makes_no_lag(watch: Watch) -> None:
    """Nothing newer can be read anywhere."""
    tell(watch, primary="0/20", ago=98)
    tell(watch, replica="0/10")
    assert watch.lag == pytest.approx(2, abs=0.1)
    assert watch.refusal() is None


def test_a_replica_that_says_nothing(watch: Watch) -> None:
    tell(watch, primary="0/10", replica="0/10", ago=FRESH + 1)
    assert watch.refusal() == "down"


def test_who_has_written_waits_for_the_position(watch: Watch) -> None:
    tell(watch, primary="0/20", ago=99)
    tell(watch, replica="0/1F")
    assert watch.refusal(0x1F) is None
    assert watch.refusal(0x20) == "position"


def test_what_is_no_replica_of_it(watch: Watch) -> None:
    watch.note_replica(CLUSTER + 1, "0/10", is_standby=True, asked_at=monotonic())
    assert watch.refusal() == "another database"
    watch.note_replica(CLUSTER, None, is_standby=False, asked_at=monotonic())
    assert watch.refusal() == "not a standby"
