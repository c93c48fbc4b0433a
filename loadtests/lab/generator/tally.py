"""What one process counted in a segment, and how the counts of several become one tally."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import Field

from loadtests.lab.generator.plan import Segment
from loadtests.lab.histogram import Histogram, merged
from loadtests.lab.window import Durations, GeneratorHealth, Part, Route, Second


@dataclass
class Tally:
    """What became of a measured segment."""

    segment: Segment
    began: float
    """Seconds since the epoch, by the clock of the machine that holds the driver."""

    seconds: float
    """The segment's, stretched by the answers that came after its end.

    A server that cannot keep up answers the rest while nothing new arrives. All answers by these
    seconds is the rate at which answers came while the load was on.
    """

    journeys: int
    """That were finished as they should."""

    routes: list[Route] = field(default_factory=list)
    timeline: list[Second] = field(default_factory=list)
    """Seconds of the segment, and of the drain after it."""

    generator: GeneratorHealth = field(default_factory=GeneratorHealth)


class Tick(Part):
    """One second, as one process saw it."""

    offered: int = 0
    started: int = 0
    done: int = 0
    failed: int = 0
    ok: Durations = Field(default_factory=Histogram)


class Share(Part):
    """What one process counted in a segment."""

    segment: int
    """Its place in the plan."""

    elapsed: float = 0.0
    """Seconds until everything was over."""

    answered: int = 0
    answered_in_time: int = 0
    """Of those, how many before the segment's end."""

    cpu: float = 0.0
    """Share of a core that the process took."""

    dropped: int = 0
    lateness: Durations = Field(default_factory=Histogram)
    routes: dict[str, Route] = Field(default_factory=dict)
    ticks: list[Tick] = Field(default_factory=list)

    def tick(self, at: float) -> Tick:
        """Return the second that this moment of the segment belongs to."""
        while len(self.ticks) <= at:
            self.ticks.append(Tick())
        return self.ticks[max(0, int(at))]

    def answer(self, name: str, seconds: float, at: float, complaint: str | None) -> None:
        """Count an answer, or that there was none."""
        route = self.routes.get(name)
        if route is None:
            route = self.routes[name] = Route(route=name)
        if complaint is not None:
            route.failed.add(seconds)
            route.complaints[complaint] = route.complaints.get(complaint, 0) + 1
            return
        route.ok.add(seconds)
        self.tick(at).ok.add(seconds)


def add_up(segment: Segment, began: float, shares: Sequence[Share]) -> Tally:
    """Make one tally of what all processes counted."""
    ticks = _ticks_of(shares)
    return Tally(
        segment=segment,
        began=began,
        seconds=_seconds_of(segment, shares),
        journeys=sum(tick.done for tick in ticks),
        routes=_routes_of(shares),
        timeline=_timeline_of(ticks),
        generator=GeneratorHealth(
            processes=len(shares),
            cpu=max(share.cpu for share in shares),
            lateness=merged(share.lateness for share in shares),
            dropped=sum(share.dropped for share in shares),
        ),
    )


def _seconds_of(segment: Segment, shares: Sequence[Share]) -> float:
    answered = sum(share.answered for share in shares)
    in_time = sum(share.answered_in_time for share in shares)
    longest = max(segment.seconds, *(share.elapsed for share in shares))
    return min(segment.seconds * answered / in_time, longest) if in_time else longest


def _routes_of(shares: Sequence[Share]) -> list[Route]:
    routes: dict[str, Route] = {}
    for name, seen in ((name, seen) for share in shares for name, seen in share.routes.items()):
        route = routes.setdefault(name, Route(route=name))
        route.ok.merge(seen.ok)
        route.failed.merge(seen.failed)
        for complaint, times in seen.complaints.items():
            route.complaints[complaint] = route.complaints.get(complaint, 0) + times
    return [routes[name] for name in sorted(routes)]


def _ticks_of(shares: Sequence[Share]) -> list[Tick]:
    ticks = [Tick() for _ in range(max(len(share.ticks) for share in shares))]
    for share in shares:
        for tick, seen in zip(ticks, share.ticks, strict=False):
            tick.offered += seen.offered
            tick.started += seen.started
            tick.done += seen.done
            tick.failed += seen.failed
            tick.ok.merge(seen.ok)
    return ticks


def _timeline_of(ticks: Sequence[Tick]) -> list[Second]:
    in_flight, timeline = 0, []
    for at, tick in enumerate(ticks):
        in_flight += tick.started - tick.done - tick.failed
        timeline.append(
            Second(
                at=at,
                offered=tick.offered,
                done=tick.done,
                failed=tick.failed,
                in_flight=in_flight,
                p95=tick.ok.quantile(0.95),
            )
        )
    return timeline
