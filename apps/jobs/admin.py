from collections.abc import Sequence
from typing import ClassVar

from markupsafe import Markup
from sqlalchemy.orm import Session

from apps.jobs import services
from apps.jobs.models import Job
from project.admin.actions import action
from project.admin.recording import Actor
from project.admin.views import ModelAdmin, Values
from project.i18n import gettext

SHOWN = 80


def _first_words(job: Job, _: str) -> str:
    return job.error if len(job.error) <= SHOWN else f"{job.error[:SHOWN]}…"


def _whole(job: Job, _: str) -> str:
    """Write what went wrong and who asked; never the arguments."""
    asked = gettext("Request %(id)s", id=job.request_id) if job.request_id else ""
    return Markup("<br>").join(part for part in (job.error, asked) if part)


class JobAdmin(ModelAdmin, model=Job):
    """All jobs there are: those that failed can be tried again, those that wait be cancelled."""

    name, name_plural = "Job", "Jobs"
    can_create = can_edit = can_delete = False
    column_list = (
        *(Job.id, Job.task_name, Job.queue_name, Job.status, Job.attempts),
        *(Job.scheduled_at, Job.args),
    )
    column_details_list = (*column_list[:-1], Job.worker_id, Job.args)
    column_searchable_list = ("=id", "^task_name")
    column_sortable_list = (Job.id,)
    column_default_sort = (Job.id, True)
    list_filter = (Job.status, Job.queue_name)
    column_formatters: ClassVar = {Job.args: _first_words}
    column_formatters_detail: ClassVar = {Job.args: _whole}
    column_labels: ClassVar = {
        "task_name": "Task",
        "queue_name": "Queue",
        "scheduled_at": "Not before",
        "worker_id": "Worker",
        "args": "Last error",
    }
    actions = ("retry", "cancel")

    @action(
        label="Try again",
        permission="jobs.retry_job",
        applies=lambda job: job.status == "failed",
    )
    def retry(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 - the permission was asked for
        rows: Sequence[Job],
        values: Values,  # noqa: ARG002 - no form
    ) -> int:
        return services.retry_jobs(session, rows)

    @action(
        label="Cancel",
        permission="jobs.cancel_job",
        confirm="Jobs that wait are never run; what those at work have done so far is undone.",
        applies=lambda job: job.status in services.WAITING_OR_AT_WORK,
    )
    def cancel(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 - the permission was asked for
        rows: Sequence[Job],
        values: Values,  # noqa: ARG002 - no form
    ) -> int:
        return services.cancel_jobs(session, rows)


views = (JobAdmin,)
