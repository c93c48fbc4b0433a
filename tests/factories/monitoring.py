import uuid
from datetime import UTC, datetime

import factory

from apps.monitoring.models import Worker
from tests.factories.base import Factory

IDLE = {"tokens": 8, "running": 0, "waiting": 0, "completed": 7, "shed": 0, "wait_seconds": 0.0}


class WorkerFactory(Factory):
    """A worker that has given a sign of life just now, and has nothing to do."""

    class Meta:
        model = Worker

    id = factory.LazyFunction(uuid.uuid4)
    host = "host-1"
    pid = factory.Sequence(lambda number: 100 + number)
    started_at = factory.LazyFunction(lambda: datetime.now(UTC))
    seen_at = factory.LazyFunction(lambda: datetime.now(UTC))
    state = factory.LazyFunction(
        lambda: {
            "lanes": {"database": dict(IDLE)},
            "pool": {"size": 8, "in_use": 0},
            "memory": 120_000_000,
            "requests_per_second": 1.5,
            "errors_per_second": 0.0,
            "p95": 0.012,
            "loop_lag": 0.002,
        }
    )
