"""Checks of tasks, and of whether somebody runs them."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, text

from project.checks.framework import Problem, Subject, check, check_database
from project.tasks.finding import find_tasks
from project.tasks.tables import are_there

SILENT = 60
"""Seconds of silence after which a worker counts as gone here, three of its beats at least."""

WAITING = text("""
    SELECT count(*) FROM procrastinate.procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
""")
WORKERS = text("""
    SELECT count(*) FROM procrastinate.procrastinate_workers
    WHERE last_heartbeat > now() - make_interval(secs => :silent)
""")


@check("tasks")
def moments_are_known_to_cron(subject: Subject) -> Iterator[Problem]:
    """Five fields are easily written, and `99 * * * *` never comes."""
    library: Any = import_module("croniter")  # which no route needs
    for task in find_tasks(subject.registry).values():
        if task.cron is not None and not library.croniter.is_valid(task.cron):
            yield Problem(
                "tasks.E001",
                f"'{task.cron}' is no moment that cron knows.",
                hint="Minute, hour, day, month, day of the week: 0 4 * * 1-5. Workers refuse it.",
                obj=task.name,
            )


@check_database("tasks", deploy=True)
def somebody_runs_them(subject: Subject, connection: Connection) -> Iterator[Problem]:
    """A queue without a worker grows without a word."""
    silent = max(SILENT, 3 * subject.settings.tasks.heartbeat)
    if not are_there(connection) or connection.scalar(WORKERS, {"silent": silent}):
        return
    waiting = connection.scalar(WAITING) or 0
    if waiting or subject.settings.mail.mail_via_tasks:
        said = f"{waiting} job(s) wait" if waiting else "Mail is sent by workers"
        yield Problem(
            "tasks.W001",
            f"{said}, and no worker has given a sign of life.",
            hint="Start one: manage.py worker.",
        )
