"""Signs of life: each worker writes its own row and removes those that died."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func
from sqlalchemy.dialects.postgresql import insert

from apps.monitoring.models import Worker

FORGOTTEN = timedelta(minutes=5)
"""A worker that was silent for so long does not come back."""


def keep_alive(
    connection: Connection,
    *,
    worker_id: uuid.UUID,
    host: str,
    pid: int,
    started_at: datetime,
    state: dict[str, Any],
) -> None:
    """Write a worker's row, and delete those of the dead."""
    fresh = {"state": state, "seen_at": func.now()}
    row = {"id": worker_id, "host": host, "pid": pid, "started_at": started_at, **fresh}
    statement = insert(Worker).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=[Worker.id], set_=fresh))
    connection.execute(delete(Worker).where(Worker.seen_at < func.now() - FORGOTTEN))


def retire(connection: Connection, *, worker_id: uuid.UUID) -> None:
    """Delete a worker's row: it has ended as it should."""
    connection.execute(delete(Worker).where(Worker.id == worker_id))
