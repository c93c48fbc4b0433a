"""What pairs of windows say about two servers: how much slower one is, and how sure that is.

Machines drift by 10 % and more within minutes, so that only windows which lie side by side are
compared: each pair gives one ratio, and the median of their logarithms is the answer. Its interval
is found by drawing pairs anew (bootstrap). A few pairs vary less than all pairs there could be, so
the interval is widened as Student's t is beside the normal distribution.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

FEWEST_PAIRS = 6
"""Fewer pairs prove nothing: five of five on one side are chance once in sixteen times."""

DRAWS = 1000
SMALLEST_FLOOR = 0.03
"""What no machine was seen to tell apart in reasonable time."""

Draw = Callable[[], float]


@dataclass(frozen=True)
class Interval:
    """A ratio of candidate to base, and between which two it lies with the asked confidence."""

    ratio: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """On the logarithmic scale: 0.05 is about 5 % to either side."""
        return math.log(self.high / self.low) / 2


def paired_ratio(
    base: Sequence[float], candidate: Sequence[float], *, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Compare values that were measured side by side, `base[i]` beside `candidate[i]`."""
    pairs = zip(base, candidate, strict=True)
    logs = [math.log(new / old) for old, new in pairs]
    chance = random.Random(seed)
    draws = [median(chance.choices(logs, k=len(logs))) for _ in range(DRAWS)]
    return _interval(median(logs), draws, len(logs), confidence)


def unpaired_ratio(
    base: Sequence[float], candidate: Sequence[float], *, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Compare values that were measured at different times. It knows nothing of what drifted."""
    old, new = [math.log(value) for value in base], [math.log(value) for value in candidate]
    chance = random.Random(seed)

    def draw() -> float:
        there = median(chance.choices(old, k=len(old)))
        return median(chance.choices(new, k=len(new))) - there

    draws = [draw() for _ in range(DRAWS)]
    return _interval(median(new) - median(old), draws, min(len(old), len(new)), confidence)


def noise_floor(values: Sequence[float], *, seed: int = 0) -> float:
    """Return the smallest relative difference that this machine tells apart.

    The values are of one server, in the order in which they were measured. Neighbours are compared
    as if they were two servers (A/A): what the interval leaves open is noise, and so is its middle.
    """
    pairs = list(zip(values[::2], values[1::2], strict=False))
    if len(pairs) < 2:  # noqa: PLR2004 - no interval without
        return SMALLEST_FLOOR
    there, here = zip(*pairs, strict=True)
    return max(SMALLEST_FLOOR, math.expm1(paired_ratio(there, here, seed=seed).half_width))


def pairs_needed(interval: Interval, pairs: int, *, bound: float) -> int | None:
    """Return how many pairs would tell this ratio from the bound; None if none ever would.

    An interval narrows with the square root of its pairs.
    """
    distance = abs(math.log(interval.ratio / bound))
    if distance < SMALLEST_FLOOR / 10:
        return None
    return max(pairs + 1, math.ceil(pairs * (interval.half_width / distance) ** 2))


def _interval(middle: float, draws: list[float], size: int, confidence: float) -> Interval:
    draws.sort()
    share = _tail(size, confidence)
    rank = min(int(share * len(draws)), (len(draws) - 1) // 2)
    low, high = min(draws[rank], middle), max(draws[-1 - rank], middle)
    return Interval(math.exp(middle), math.exp(low), math.exp(high))


def _tail(size: int, confidence: float) -> float:
    """Return the share of draws to leave out on either side, fewer for fewer pairs."""
    if size < 2:  # noqa: PLR2004 - all draws are the same
        return 0.0
    normal, freedom = NormalDist(), size - 1
    z = normal.inv_cdf((1 + confidence) / 2)
    # Student's t by the normal distribution (Cornish and Fisher); within 1 % from 5 pairs on.
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return normal.cdf(-student * math.sqrt(size / freedom))
