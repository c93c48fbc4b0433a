"""Intervals that hold what they promise: simulated with values whose truth is known."""

import math
import random
from collections.abc import Callable

import pytest

from loadtests.lab.statistics import (
    SMALLEST_FLOOR,
    Interval,
    noise_floor,
    paired_ratio,
    pairs_needed,
    unpaired_ratio,
)

Noise = Callable[[random.Random], float]


def normal(chance: random.Random) -> float:
    return chance.gauss(0, 0.07)


def with_outliers(chance: random.Random) -> float:
    return chance.gauss(0, 0.05) + (chance.gauss(0, 0.4) if chance.random() < 0.1 else 0)


@pytest.mark.parametrize("noise", [normal, with_outliers])
@pytest.mark.parametrize("pairs", [6, 12])
def test_the_interval_holds_the_truth_as_often_as_it_says(pairs: int, noise: Noise) -> None:
    chance = random.Random(pairs)
    held = 0
    for _ in range(200):
        base = [math.exp(noise(chance)) for _ in range(pairs)]
        found = paired_ratio(base, [1.1 * math.exp(noise(chance)) for _ in base])
        held += found.low <= 1.1 <= found.high
    assert held / 200 >= 0.92  # 0.95 less what 200 trials leave to chance


def test_it_says_the_same_of_the_same() -> None:
    base, candidate = [1.0, 2.0, 1.5, 1.2, 1.1, 1.4], [1.2, 2.1, 1.9, 1.1, 1.3, 1.5]
    assert paired_ratio(base, candidate, seed=3) == paired_ratio(base, candidate, seed=3)
    assert paired_ratio(base, base) == Interval(1.0, 1.0, 1.0)
    swapped = paired_ratio(candidate, base)
    assert swapped.ratio == pytest.approx(1 / paired_ratio(base, candidate).ratio)


def test_drift_that_pairs_share_is_none_of_their_ratio() -> None:
    drifting = [1.0 - 0.03 * place for place in range(12)]
    pairs = paired_ratio(drifting, [0.9 * value for value in drifting])
    assert (pairs.low, pairs.high) == pytest.approx((0.9, 0.9))
    apart = unpaired_ratio(drifting[:6], drifting[6:])
    assert apart.high < 0.95  # identical servers, measured one after the other


def test_values_in_opposite_order_are_as_far_apart() -> None:
    found = unpaired_ratio([1.0, 1.1, 1.05, 0.95, 1.0, 1.02], [2.0, 2.2, 2.1, 1.9, 2.0, 2.04])
    assert found.ratio == pytest.approx(2.0, rel=0.01)
    assert 1.8 < found.low < 2.0 < found.high < 2.3


def test_the_floor_is_what_the_same_server_differs_by() -> None:
    chance = random.Random(5)
    quiet = [chance.gauss(1, 0.001) for _ in range(12)]
    noisy = [chance.gauss(1, 0.15) for _ in range(12)]
    assert noise_floor(quiet) == SMALLEST_FLOOR
    assert noise_floor(noisy) > 0.1
    assert noise_floor([1.0]) == SMALLEST_FLOOR


def test_more_pairs_are_asked_for_until_they_would_tell() -> None:
    wide = Interval(ratio=1.02, low=0.92, high=1.13)
    assert pairs_needed(wide, 6, bound=1.10) == pytest.approx(12, abs=2)
    assert pairs_needed(wide, 6, bound=1.02) is None
    assert pairs_needed(Interval(1.0, 0.99, 1.01), 6, bound=1.10) == 7
