"""What becomes of a job, written under a lock that only one attempt can have.

An attempt is known by its job, its worker and its number. Before it writes that the job has
ended, it locks the job's row as *its own*: still at work, at this worker, by this number. Where
that fails, somebody took the worker for dead and gave the job to another one; then everything that
the attempt did is rolled back. So what a job does to the database happens once, whatever
died or only slept. Until then no lock is held: a worker that sleeps holds up nobody.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from project.tasks.enqueueing import ERROR

LOCK = text("""
    SELECT true FROM procrastinate.procrastinate_jobs
    WHERE id = :job AND status = 'doing' AND worker_id = :worker AND attempts = :number
    FOR UPDATE
""")
FINISH = text("SELECT procrastinate.procrastinate_finish_job_v1(:job, :status, :is_deleted)")
RETRY = text("SELECT procrastinate.procrastinate_retry_job_v2(:job, :at, NULL, NULL, NULL)")
NOTE = text(f"""
    UPDATE procrastinate.procrastinate_jobs
    SET args = args || jsonb_build_object('{ERROR}', CAST(:said AS text)) WHERE id = :job
""")  # noqa: S608 - our own name
LONGEST_ERROR = 4000


class Overtaken(Exception):
    """The job is not this attempt's any more: nothing that it did may be committed."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a job, by one worker; `number` counts from 0."""

    job: int
    worker: int
    number: int


def hold(session: Session, attempt: Attempt) -> None:
    """Lock the job as this attempt's until the transaction ends. Raises Overtaken."""
    told = {"job": attempt.job, "worker": attempt.worker, "number": attempt.number}
    if session.execute(LOCK, told).scalar() is None:
        raise Overtaken


def finish(session: Session, job: int, status: str, *, is_deleted: bool = False) -> None:
    """End a job that is held: succeeded, failed or aborted."""
    session.execute(FINISH, {"job": job, "status": status, "is_deleted": is_deleted})


def put_back(session: Session, job: int, *, after: float = 0.0) -> None:
    """Give a job that is held back to the queue, not to be run for so many seconds."""
    at = datetime.now(UTC) + timedelta(seconds=after) if after else None
    session.execute(RETRY, {"job": job, "at": at})


def note_error(session: Session, job: int, said: str) -> None:
    """Keep what went wrong last with the job, for whoever looks."""
    # PostgreSQL's text has no NUL, and an error may say anything.
    session.execute(NOTE, {"job": job, "said": said.replace("\0", "")[:LONGEST_ERROR]})
