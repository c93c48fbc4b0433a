"""When a replica that fails is left alone, and for how long."""

import pytest

from project.db.replica import breaker
from project.db.replica.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(breaker, "monotonic", clock)
    return clock


def test_three_failures_in_a_row_open_it(clock: Clock) -> None:
    tested = Breaker()
    for _ in range(2):
        tested.fail(is_certain=False)
    tested.succeed()
    for _ in range(2):
        tested.fail(is_certain=False)
        assert tested.lets_through()
    tested.fail(is_certain=False)
    assert not tested.lets_through()


def test_one_tries_at_a_time_and_ever_more_rarely(clock: Clock) -> None:
    tested, tries = Breaker(), []
    for _ in range(8):
        tested.fail(is_certain=True)
    while clock.now < 100:
        clock.now += 1
        if tested.lets_through():
            tries.append(clock.now)
            tested.fail(is_certain=True)
    assert tries == [1, 3, 7, 15, 31, 61, 91]


def test_one_success_closes_it(clock: Clock) -> None:
    tested = Breaker()
    tested.fail(is_certain=True)
    clock.now = 1
    assert tested.lets_through()
    assert not tested.lets_through()
    tested.succeed()
    assert all(tested.lets_through() for _ in range(3))
    assert not tested.is_open
