"""The workers on the admin's overview: saturation is seen here before users feel it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy.orm import Session

from apps.monitoring import queries
from apps.monitoring.models import Worker
from project.admin.dashboard.panels import Panel

SILENT = timedelta(seconds=15)
"""Three signs of life that did not come: the worker is dead, or as good as."""

LATE = 0.1
"""Seconds for which an event loop may be late before it is marked."""

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Use:
    """How much of something is taken: a lane's threads, a pool's connections."""

    name: str
    taken: int
    size: int
    waiting: int = 0
    shed: int = 0

    @property
    def is_full(self) -> bool:
        """Whether whoever comes next has to wait."""
        return self.waiting > 0 or (self.size > 0 and self.taken >= self.size)


@dataclass(frozen=True)
class WorkerNow:
    """A worker for the page. Workers of another release may say less, which shows as nothing."""

    title: str
    started_at: datetime
    lanes: list[Use]
    pool: Use
    requests_per_second: float
    errors_per_second: float
    p95_ms: float | None
    loop_lag_ms: float
    memory_mb: int | None

    @classmethod
    def of(cls, worker: Worker) -> Self:
        """Read what the worker told of itself."""
        state = worker.state
        pool, p95, memory = state.get("pool", {}), state.get("p95"), state.get("memory")
        return cls(
            title=f"{worker.host} · {worker.pid}",
            started_at=worker.started_at,
            lanes=[_lane(name, gauges) for name, gauges in state.get("lanes", {}).items()],
            pool=Use("pool", pool.get("in_use", 0), pool.get("size", 0)),
            requests_per_second=state.get("requests_per_second", 0.0),
            errors_per_second=state.get("errors_per_second", 0.0),
            p95_ms=None if p95 is None else p95 * 1000,
            loop_lag_ms=state.get("loop_lag", 0.0) * 1000,
            memory_mb=None if memory is None else round(memory / MEGABYTE),
        )

    @property
    def is_late(self) -> bool:
        """Whether its event loop kept everybody waiting."""
        return self.loop_lag_ms > LATE * 1000


def _lane(name: str, gauges: Mapping[str, Any]) -> Use:
    return Use(
        name,
        taken=gauges.get("running", 0),
        size=gauges.get("tokens", 0),
        waiting=gauges.get("waiting", 0),
        shed=gauges.get("shed", 0),
    )


class Workers(Panel):
    """Every worker of every host: the one that serves this page is one of them."""

    title, permission = "Workers now", "monitoring.view_worker"
    template = "monitoring/workers.html"
    refresh = 5
    is_wide = True

    def read(self, session: Session) -> Mapping[str, Any]:
        workers = queries.list_workers(session, silent_for=SILENT)
        return {"workers": [WorkerNow.of(worker) for worker in workers]}


panels = (Workers(),)
views = ()
