"""Jobs that nobody is at work on any more, and jobs that ended long ago."""

from collections.abc import Mapping
from typing import Any

from loguru import logger
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.tasks.declaring import Task
from project.tasks.settling import finish, note_error, put_back

DEATHS = 3
"""Workers that a job may have died with, if its own `retry` allows no more: it may be the cause."""

LEFT = "Its worker died at work on it."
LOCK_KEY = 0x7461736B  # "task" in ASCII
# One process at a time looks: two would give the same job back twice.
TURN = text("SELECT pg_try_advisory_xact_lock(:key)")
ABANDONED = text("""
    SELECT j.id, j.task_name, j.attempts FROM procrastinate.procrastinate_jobs j
    WHERE j.status = 'doing' AND NOT EXISTS (
        SELECT FROM procrastinate.procrastinate_workers w
        WHERE w.id = j.worker_id AND w.last_heartbeat > now() - make_interval(secs => :silent)
    )
    ORDER BY j.id LIMIT 100 FOR UPDATE OF j SKIP LOCKED
""")
# Deleted a portion at a time: a queue may have been left alone for a long while.
OLD = text("""
    DELETE FROM procrastinate.procrastinate_jobs WHERE id IN (
        SELECT j.id FROM procrastinate.procrastinate_jobs j
        WHERE j.status::text = ANY(:statuses) AND NOT EXISTS (
            SELECT FROM procrastinate.procrastinate_events e
            WHERE e.job_id = j.id AND e.at > now() - make_interval(days => :days)
        )
        LIMIT :most
    )
""")
PORTION = 10_000


def rescue(session: Session, tasks: Mapping[str, Task[Any]], *, silent: float) -> int:
    """Give the jobs of workers that were silent for so many seconds to others; return how many.

    A job that has used up its attempts fails instead.
    """
    if not session.execute(TURN, {"key": LOCK_KEY}).scalar():
        return 0
    found = session.execute(ABANDONED, {"silent": silent}).all()
    for job, name, attempts in found:
        most = max(tasks[name].retry.times, DEATHS) if name in tasks else DEATHS
        note_error(session, job, LEFT)
        if attempts < most:
            put_back(session, job)
        else:
            finish(session, job, "failed")
        logger.warning(
            "A job's worker died",
            job_id=job,
            task=name,
            attempt=attempts + 1,
            runs_again=attempts < most,
        )
    return len(found)


def forget_old(session: Session, *, days: int, failed_days: int) -> int:
    """Delete jobs that ended so many days ago; return how many."""
    kinds = {days: ["succeeded", "cancelled"], failed_days: ["failed", "aborted"]}
    if days == failed_days:
        kinds = {days: ["succeeded", "cancelled", "failed", "aborted"]}
    deleted = 0
    for age, statuses in kinds.items():
        told = {"statuses": statuses, "days": age, "most": PORTION}
        result: Any = session.execute(OLD, told)
        deleted += result.rowcount
    return deleted
