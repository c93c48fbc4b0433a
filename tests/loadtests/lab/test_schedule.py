"""What fits into the minutes."""

import pytest

from loadtests.lab.schedule import LONGEST, SHORTEST, fit


@pytest.mark.parametrize("minutes", [4, 6, 10, 20, 30])
def test_it_takes_the_minutes_that_it_gets(minutes: float) -> None:
    assert fit(minutes).seconds == pytest.approx(60 * minutes, rel=0.15)


def test_more_minutes_are_used_for_more() -> None:
    short, long = fit(5), fit(40)
    assert (long.ladders, long.rounds, long.pairs) > (short.ladders, short.rounds, short.pairs)
    assert long.window > short.window


@pytest.mark.parametrize("minutes", [2, 3, 600])
def test_windows_stay_within_reason(minutes: float) -> None:
    schedule = fit(minutes)
    assert SHORTEST <= schedule.window <= LONGEST
    assert schedule.pairs >= 6
