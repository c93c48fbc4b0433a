"""Tasks of the machinery itself."""

from sqlalchemy.orm import Session

from project.runtime import Runtime
from project.tasks.declaring import task
from project.tasks.rescuing import PORTION, forget_old


@task(cron="23 * * * *", keep=False)
def forget_old_jobs(session: Session, runtime: Runtime) -> None:
    """Delete jobs that ended long ago (TASKS_KEEP_DAYS, TASKS_KEEP_FAILED_DAYS)."""
    told = runtime.settings.tasks
    if forget_old(session, days=told.keep_days, failed_days=told.keep_failed_days) >= PORTION:
        forget_old_jobs.enqueue(session)
