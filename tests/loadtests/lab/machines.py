"""A machine that is as noisy as those that load tests run on, without a server."""

import math
import random
from collections.abc import Sequence

from loadtests.lab.gate import Turn
from loadtests.lab.histogram import Histogram
from loadtests.lab.window import Config, Route, Window, Worker

CPU_NOISE, RATE_NOISE, LATENCY_NOISE = 0.03, 0.05, 0.06
"""Of windows that lie side by side, as logarithms; drift comes on top."""

DRIFT, MEMORY = 0.04, 0.8
"""Of each window against the one before it; it wanders by 7 % about its mean."""


class NoisyMachine:
    """Measures turns of a base and of a candidate that is slower by a known share."""

    def __init__(self, *, slower: float = 0.0, seed: int = 0, queries: int = 3) -> None:
        self.now = 0.0
        self._slower = slower
        self._queries = queries
        self._chance = random.Random(seed)
        self._drift = 0.0

    def clock(self) -> float:
        """Seconds; only measuring takes any."""
        return self.now

    def measure(self, turns: Sequence[Turn]) -> list[Window]:
        """Return a window for each turn."""
        return [self._window(turn) for turn in turns]

    def _window(self, turn: Turn) -> Window:
        self.now += turn.seconds
        self._drift = MEMORY * self._drift + self._chance.gauss(0, DRIFT)
        slow = (1 + self._slower * (turn.side == "B")) * math.exp(self._drift)
        rate = 200 / (slow * self._noise(RATE_NOISE)) if turn.model == "closed" else 2 * turn.rate
        count = round(rate * turn.seconds)
        seconds = 0.02 * slow * self._noise(LATENCY_NOISE)
        route = Route(route="GET /things/{id}", queries=self._queries if turn.side == "B" else 3)
        index = round(math.log(seconds / 1e-5) / math.log(1.01))
        route.ok = Histogram({index: count}, total=seconds * count, longest=seconds)
        spent = 0.004 * slow * self._noise(CPU_NOISE) * count
        worker = Worker(pid=1, requests=count, cpu=spent / turn.seconds, sql_statements=3 * count)
        return Window(
            name=turn.name,
            config=Config(revision="base" if turn.side == "A" else ""),
            model=turn.model,
            began=self.now,
            seconds=turn.seconds,
            journeys=count // 2,
            routes=[route],
            workers=[worker],
        )

    def _noise(self, spread: float) -> float:
        return math.exp(self._chance.gauss(0, spread))
