"""The soak in its short form, and that it finds what grows."""

import pytest

from tests.faults.soak import MEGABYTE, Reading, Soak, report, soak
from tests.faults.stage import Stage

pytestmark = pytest.mark.needs("orders")


def test_short(stage: Stage) -> None:
    found = soak(stage, seconds=6, interval=0.3)
    assert len(found.readings) >= 8
    assert not found.has_failed
    lines = list(report(found))
    assert lines[0].startswith("quarter 1:")
    assert min(found.readings[-1]) > 0


@pytest.mark.parametrize("growing", [Reading(MEGABYTE, 0, 0), Reading(0, 1, 0), Reading(0, 0, 1)])
def test_what_grows_is_found(growing: Reading) -> None:
    readings = [Reading(*(step * more for more in growing)) for step in range(100)]
    assert Soak(readings).has_grown
    assert not Soak([Reading(1, 1, 1)] * 100).has_grown
