"""What the database does meanwhile: pg_stat_activity, asked from outside five times a second."""

import time
from collections import Counter
from typing import Any

from sqlalchemy import URL, Connection, create_engine, text

from loadtests.lab.processes import CpuMeter
from loadtests.lab.series import Series
from loadtests.lab.window import DatabaseLoad

EVERY = 0.2
APPLICATION_NAME = "lintel-laboratory"
WAITING = "waiting."

LOOK = text("""
    SELECT pid, datname IS NOT NULL AND backend_type = 'client backend' AS is_client, state,
           CASE WHEN state = 'active' THEN wait_event_type || ': ' || wait_event END AS waits_for
    FROM pg_stat_activity
    WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()
      AND application_name <> :own
""")


class Activity:
    """Looks at a database as often as it is told to, through a connection of its own."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            connect_args={"application_name": APPLICATION_NAME},
        )
        self._connection: Connection | None = None
        self._cpu = CpuMeter()
        self._series = Series()

    def take(self) -> None:
        """Look once. Raises DBAPIError if the database is away."""
        if self._connection is None:
            self._connection = self._engine.connect()
        rows = self._connection.execute(LOOK, {"own": APPLICATION_NAME}).all()
        # A database elsewhere has numbers for its processes that mean others here, or none.
        cpu = self._cpu.read((row.pid for row in rows), named="postgres")
        self._series.add(time.time(), {**_count([r for r in rows if r.is_client]), "cpu": cpu})

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def load(self, begin: float, end: float) -> DatabaseLoad:
        """Return means over the looks within the span."""
        series, looks = self._series, self._series.within(begin, end)
        names = [name for name in series.names(begin, end) if name.startswith(WAITING)]
        return DatabaseLoad(
            connections=series.mean("connections", begin, end),
            most_connections=int(max((look["connections"] for look in looks), default=0)),
            active=series.mean("active", begin, end),
            waiting={name.removeprefix(WAITING): series.mean(name, begin, end) for name in names},
            idle_in_transaction=series.mean("idle_in_transaction", begin, end),
            cpu=series.growth("cpu", begin, end) / (end - begin),
        )


def _count(rows: list[Any]) -> dict[str, float]:
    states = Counter(row.state for row in rows)
    waits = Counter(f"{WAITING}{row.waits_for}" for row in rows if row.waits_for)
    return {
        "connections": len(rows),
        "active": states["active"],
        "idle_in_transaction": states["idle in transaction"],
        **waits,
    }
