"""What shall be loaded: a plan of segments, which one generator walks through in their order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Segment:
    """A span of load on one server."""

    name: str
    host: str
    """`http://127.0.0.1:8000`; two servers can take turns within one plan."""

    model: Literal["open", "closed"]
    seconds: float
    rate: float = 0.0
    """Of the open model: journeys a second that are due, whatever the server does."""

    users: int = 0
    """Of the closed model: each begins its next journey when the last one is over."""

    is_measured: bool = True
    """Whether there will be a tally; a warm-up needs none."""

    pace: float = 0.0
    """Of the closed model: seconds from the begin of one journey to the next, at the least."""

    seed: int | None = None
    """Segments with the same seed get the same arrivals and journeys; its place if None."""


@dataclass(frozen=True)
class Plan:
    """Segments, and what is common to them."""

    segments: tuple[Segment, ...]
    scenarios: tuple[str, ...] = ()
    """`Items`, or `package.module:Class` for one that belongs to no app; empty for all apps'."""

    streams: int = 10
    """Independent Poisson streams that the rate is split into; processes share them."""

    most_in_flight: int = 500
    """Journeys at a time, in all processes; an arrival beyond it is dropped, and counted."""

    seed: int = 0
    accounts: int = 20
    """Opened on each server before the first segment; visitors that sign in take turns."""

    processes: int = 1
    drain: float = 10.0
    """Seconds after a segment in which what is in flight may still be answered."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Each server once, in the order of their first segments."""
        return tuple(dict.fromkeys(segment.host for segment in self.segments))

    @property
    def seconds(self) -> float:
        """What all segments take if none has to be waited for at its end."""
        return sum(segment.seconds for segment in self.segments)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with it, in sentences."""
        if not self.segments:
            yield "A plan needs a segment."
        for segment in self.segments:
            has_load = segment.rate > 0 if segment.model == "open" else segment.users > 0
            if segment.seconds <= 0 or not has_load:
                yield (
                    f"Segment '{segment.name}' needs seconds, and a rate (open model) "
                    "or users (closed model)."
                )
        if min(self.streams, self.most_in_flight, self.processes, self.accounts) < 1:
            yield "Streams, journeys in flight, processes and accounts must be 1 at the least."

    def dump(self) -> str:
        """Return it as JSON."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def load(cls, text: str | bytes) -> "Plan":
        """Read what `dump` wrote."""
        return _ADAPTER.validate_json(text)


_ADAPTER = TypeAdapter(Plan)
