"""Puts a job into the queue: one statement in the transaction of whoever asks for it.

Workers hear of it by NOTIFY when that transaction is committed; if it is rolled back, there was
no job. Beside its arguments a job carries the ids of the request that asked for it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from project.db.reading import ReadingSession, WriteRefused
from project.logging import request_id, trace_id

DEFER = text("""
    SELECT unnest(procrastinate.procrastinate_defer_jobs_v1(ARRAY[ROW(
        CAST(:queue AS varchar), CAST(:name AS varchar), 0, NULL, NULL,
        CAST(:envelope AS jsonb), CAST(:at AS timestamptz)
    )::procrastinate.procrastinate_job_to_defer_v1]))
""").bindparams(bindparam("envelope", type_=JSONB))

ARGUMENTS, REQUEST, TRACE, ERROR = "arguments", "request_id", "trace_id", "error"
"""What a job's `args` hold; the library's periodic jobs have a `timestamp` besides."""


def put_into_queue(
    session: Session,
    *,
    name: str,
    queue: str,
    arguments: Mapping[str, Any],
    at: datetime | None = None,
) -> int:
    """Ask for a job; return its id. Raises WriteRefused in a session that only reads."""
    if isinstance(session, ReadingSession):
        raise WriteRefused
    envelope = {ARGUMENTS: arguments, REQUEST: request_id.get(), TRACE: trace_id.get()}
    told = {"queue": queue, "name": name, "envelope": envelope, "at": at}
    return int(session.execute(DEFER, told).scalar_one())
