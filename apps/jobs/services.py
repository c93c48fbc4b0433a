"""What people do to jobs, by the library's own functions, which look at what a job is at."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from apps.jobs.models import Job
from project.tasks.settling import put_back

CANCEL = text("SELECT procrastinate.procrastinate_cancel_job_v1(:job, true, false)")
WAITING_OR_AT_WORK = frozenset({"todo", "doing"})


def retry_jobs(session: Session, jobs: Sequence[Job]) -> int:
    """Give jobs that failed one more attempt each, at once; return how many."""
    failed = [job for job in jobs if job.status == "failed"]
    for job in failed:
        put_back(session, job.id)
    return len(failed)


def cancel_jobs(session: Session, jobs: Sequence[Job]) -> int:
    """Cancel jobs that wait, and ask workers to drop those at work; return how many.

    What a job at work has done to the database so far does not count then.
    """
    open_ones = [job for job in jobs if job.status in WAITING_OR_AT_WORK]
    for job in open_ones:
        session.execute(CANCEL, {"job": job.id})
    return len(open_ones)
