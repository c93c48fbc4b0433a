"""From rungs to the capacity."""

import pytest

from loadtests.lab.ladder import Rung, capacity_of, grows, judge, next_rate
from loadtests.lab.window import Config, GeneratorHealth
from tests.loadtests.lab.windows import an_open_window

CONFIG = Config(workers=2, pool=4)


def rung(journeys: float, *broken: str, is_void: bool = False) -> Rung:
    return Rung(journeys, 3 * journeys, broken, is_void=is_void)


def test_what_a_rung_has_to_keep() -> None:
    assert judge(an_open_window(), []).holds
    assert judge(an_open_window(), ["p95_ms"]).broken == ("p95_ms",)
    assert not judge(an_open_window(generator=GeneratorHealth(dropped=1)), []).holds
    assert not judge(an_open_window(voids=["steal"]), []).holds


@pytest.mark.parametrize(
    ("flights", "is_growing"),
    [((2, 5, 3, 4, 2, 6, 3, 4, 5), False), ((1, 2, 4, 8, 12, 16, 20, 24, 28), True), ((), False)],
)
def test_a_queue_that_grows(flights: tuple[int, ...], is_growing: bool) -> None:
    assert grows(an_open_window(flights=flights)) is is_growing


@pytest.mark.parametrize(
    ("rungs", "rate"),
    [
        ([rung(10), rung(20, "p95_ms")], 15),
        ([rung(10), rung(20)], 24),
        ([rung(10, "p95_ms")], 5),
        ([rung(10), rung(10.4, "p95_ms")], None),
        ([rung(10), rung(20, is_void=True)], 15),
        ([rung(10), rung(12, "p95_ms"), rung(14)], 11),
        ([rung(10, is_void=True), rung(15), rung(20, "p95_ms")], 17.5),
        ([rung(10, is_void=True), rung(20, "p95_ms")], 10),
        ([rung(10, is_void=True), rung(20, is_void=True)], 5),
        ([], None),
    ],
)
def test_the_next_rate(rungs: list[Rung], rate: float | None) -> None:
    assert next_rate(rungs) == (None if rate is None else pytest.approx(rate))


def test_capacity_is_the_highest_rate_that_holds() -> None:
    found = capacity_of(CONFIG, [rung(20, "p95_ms of GET /x"), rung(10), rung(15)])
    assert found is not None
    assert (found.journeys, found.rate, found.low, found.high) == (15, 45, 45, 60)
    assert found.limited_by == "p95_ms of GET /x"


def test_a_rate_above_one_that_fails_counts_for_nothing() -> None:
    found = capacity_of(CONFIG, [rung(10), rung(15, "p95_ms"), rung(20)])
    assert found is not None
    assert found.journeys == 10


def test_without_a_rate_that_holds() -> None:
    found = capacity_of(CONFIG, [rung(10, "error_rate")])
    assert found is not None
    assert (found.rate, found.limited_by) == (0, "error_rate")
    assert capacity_of(CONFIG, [rung(10, is_void=True)]) is None
    assert capacity_of(CONFIG, []) is None


def test_a_void_beyond_is_said() -> None:
    found = capacity_of(CONFIG, [rung(10), rung(20, is_void=True)])
    assert found is not None
    assert "void" in found.limited_by


def test_a_void_below_a_rate_that_holds_says_nothing() -> None:
    found = capacity_of(CONFIG, [rung(10, is_void=True), rung(15), rung(20, "p95_ms")])
    assert found is not None
    assert (found.journeys, found.limited_by) == (15, "p95_ms")
