"""When visitors of the open model are due. Nothing here imports Locust."""

import random
from collections.abc import Iterator

from loadtests.lab.generator.plan import Segment


def due_moments(segment: Segment, streams: int, seed: str) -> Iterator[float]:
    """Yield when the arrivals of one stream are due, in seconds since the begin.

    Poisson streams make one Poisson stream together, however many processes share them.
    """
    dice, due = random.Random(seed), 0.0
    while (due := due + dice.expovariate(segment.rate / streams)) < segment.seconds:
        yield due
