"""How much of a sweep fits into the minutes that somebody gives it; pure functions."""

from dataclasses import dataclass, replace

DATABASE = 10.0
"""Seconds until the database is there, filled and analysed."""

START = 4.0
"""Seconds that a server takes to start and to stop."""

DRIVE = 7.0
"""Seconds that the generator takes to start, to open its accounts and to warm the server up."""

SHORTEST, LONGEST = 2.0, 20.0
"""Seconds of a window."""

LONGEST_SOAK = 300.0


@dataclass(frozen=True)
class Schedule:
    """How many of everything; the steps are in `sweep.py`."""

    window: float
    """Seconds of each window."""

    configs: int
    """Configurations that get a coarse run, at the most."""

    rounds: int
    """Knobs that are turned, each in pairs of windows."""

    pairs: int
    ladders: int
    """Configurations whose capacity is found."""

    rungs: int
    bisections: int
    soak: float
    """Seconds."""

    @property
    def windows(self) -> int:
        """Windows in all steps but the soak."""
        climbing = self.ladders * (self.rungs + self.bisections)
        return 1 + self.configs + self.rounds * 2 * self.pairs + climbing

    @property
    def overhead(self) -> float:
        """Seconds that no window is measured in."""
        starts = 1 + self.configs + 2 * self.rounds + 2 * self.ladders + 1
        drives = 1 + self.configs + self.rounds + self.ladders * (1 + self.bisections) + 1
        return DATABASE + starts * START + drives * DRIVE

    @property
    def seconds(self) -> float:
        """What all of it takes."""
        return self.windows * self.window + self.overhead + self.soak


THOROUGH = Schedule(
    window=0, configs=5, rounds=4, pairs=8, ladders=3, rungs=6, bisections=4, soak=0
)
USUAL = replace(THOROUGH, configs=4, rounds=3, pairs=6, ladders=2, rungs=5, bisections=3)
SHORT = replace(USUAL, configs=3, rounds=2, rungs=4, bisections=2)
SHORTER = replace(SHORT, rounds=1, ladders=1)
SHORTEST_OF_ALL = replace(SHORTER, configs=2, bisections=1)

COMFORT = 5.0
"""Seconds of a window below which a smaller schedule with longer ones is the better one."""


def fit(minutes: float) -> Schedule:
    """Choose the most thorough schedule whose windows are still long enough."""
    total = 60 * minutes
    soak = min(LONGEST_SOAK, 0.1 * total)
    for schedule in (THOROUGH, USUAL, SHORT, SHORTER, SHORTEST_OF_ALL):
        window = (total - soak - schedule.overhead) / schedule.windows
        if window >= COMFORT:
            break
    return replace(schedule, window=min(LONGEST, max(SHORTEST, window)), soak=soak)
