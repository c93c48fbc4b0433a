"""The process of a worker, from its settings to its end."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Iterable, Sequence

from loguru import logger

from project.app_settings import SettingsOfApps
from project.application import create_runtime
from project.apps import Registry
from project.db.engine import create_pooled_engine, resolve_direct_url
from project.db.session import Database
from project.errors import CommandError
from project.logging import configure_logging
from project.metrics.counting import Metrics
from project.reporting import report_errors
from project.runtime import Runtime
from project.settings import INSTALLED_APPS, Settings
from project.tasks.finding import find_tasks
from project.tasks.worker import THREAD_NAME, TaskWorker, worker_database_settings
from project.web.vitals import Vitals

FAREWELL = 0.2
"""Seconds for an idle thread to be gone."""

OWN_LINES = frozenset({"job_error", "task_not_found"})
"""What Procrastinate logs of a job, its arguments included; `running` writes a line of its own."""


def run_worker(settings: Settings, *, concurrency: int, queues: Sequence[str]) -> int:
    """Run jobs until a signal says to end; return the exit code.

    Raises AppError for tasks that no worker could run, CommandError for a queue without any.
    """
    configure_logging(settings)
    _quieten()
    report_errors(settings)
    registry = Registry.load(INSTALLED_APPS)
    registry.import_models()
    tasks = find_tasks(registry)
    _require_queues(queues, {task.queue for task in tasks.values()})
    runtime = _create_runtime(settings, registry, concurrency)
    worker = TaskWorker(runtime, tasks, concurrency=concurrency, queues=queues)
    logger.info(
        "A worker runs {} jobs at a time", concurrency, tasks=len(tasks), queues=list(queues)
    )
    asyncio.run(worker.serve())
    worker.close()
    runtime.outbox.close()
    runtime.storage.close()
    logger.info("The worker has ended")
    _end_without_waiting()
    runtime.database.close()
    return 0


def _create_runtime(settings: Settings, registry: Registry, concurrency: int) -> Runtime:
    own = worker_database_settings(settings, concurrency)
    primary_alone = settings.replica.model_copy(update={"url": None})
    settings = settings.model_copy(update={"database": own, "replica": primary_alone})
    database = Database(create_pooled_engine(resolve_direct_url(settings), own), own)
    metrics = Metrics(None)
    return create_runtime(
        settings,
        SettingsOfApps.load(registry),
        registry,
        database,
        vitals=Vitals(on_lag=metrics.observe_lag),
        metrics=metrics,
    )


def _require_queues(asked: Sequence[str], known: Iterable[str]) -> None:
    for name in asked:
        if name not in known:
            there = ", ".join(sorted(known))
            raise CommandError(f"No task has the queue '{name}'. There are: {there}.", exit_code=2)


def _quieten() -> None:
    """Keep what the library says of itself when something is wrong, and no job's arguments."""
    library = logging.getLogger("procrastinate")
    library.setLevel(logging.WARNING)
    for name in ("procrastinate.worker", "procrastinate.worker.worker"):
        logging.getLogger(name).addFilter(
            lambda record: getattr(record, "action", "") not in OWN_LINES
        )


def _end_without_waiting() -> None:
    """End now if a task still sits in a thread: its job has been given back, and it counts no more.

    A thread cannot be stopped, and Python would wait for it.
    """
    threads = [each for each in threading.enumerate() if each.name.startswith(THREAD_NAME)]
    for each in threads:
        each.join(FAREWELL)
    if any(each.is_alive() for each in threads):
        logger.complete()
        sys.stderr.flush()
        os._exit(0)
