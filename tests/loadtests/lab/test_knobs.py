"""One knob at a time."""

import pytest

from loadtests.lab.knobs import doubled, halved_pool
from loadtests.lab.window import Config, Lane
from tests.loadtests.lab.windows import a_window, a_worker

CONFIG = Config(workers=2, pool=4)


@pytest.mark.parametrize(("knob", "label"), [("workers", "4x4"), ("pool", "2x8")])
def test_twice_as_much_of_one_thing(knob: str, label: str) -> None:
    changed = doubled(CONFIG, knob, a_window())
    assert changed is not None
    assert changed.label == label


def test_a_lane_is_twice_as_wide() -> None:
    window = a_window(workers=[a_worker(lanes={"cpu": Lane(size=2)})])
    changed = doubled(CONFIG, "CPU_LANE_SIZE", window)
    assert changed is not None
    assert changed.variables == (("CPU_LANE_SIZE", "4"),)


def test_there_is_an_end() -> None:
    assert doubled(CONFIG, "", a_window()) is None
    assert doubled(Config(workers=64, pool=64), "pool", a_window()) is None
    assert halved_pool(Config(pool=1)) is None
    assert halved_pool(CONFIG) == Config(workers=2, pool=2)
