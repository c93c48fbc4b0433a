"""The worker: Procrastinate fetches, listens, beats and schedules; jobs run in threads of ours.

Everything goes past a pooler, by DATABASE_DIRECT_URL where there is one: a worker holds its
connections for as long as it lives (`--concurrency` + 6 at most), and LISTEN needs a session.
"""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter
from loguru import logger
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job as TakenJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from sqlalchemy.exc import SQLAlchemyError

from project.db.engine import resolve_direct_url
from project.errors import AppError
from project.runtime import Runtime
from project.settings import DatabaseSettings, Settings
from project.tasks.declaring import Task
from project.tasks.rescuing import rescue
from project.tasks.running import Job, Outcome, interrupt, run
from project.tasks.settling import Attempt
from project.tasks.tables import SEARCH_PATH

THREAD_NAME = "task"
POLLING = 1.0
"""Seconds between two looks for jobs whose time has come; new ones are told at once."""

SILENT_BEATS = 3
"""Signs of life that did not come, after which a worker is taken for dead."""

UNKNOWN_PAUSE = timedelta(minutes=1)
UNKNOWN_TIMES = 15
"""A task that this code does not know may be another release's: how often it is put back."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
OWN_CONNECTIONS = 2
"""Of the threads that settle and rescue, beside one for each job."""

LIBRARY_CONNECTIONS = 3
"""Of Procrastinate's pool; one more listens."""


class _Manager(JobManager):
    """Leaves the end of a job to `running`, which wrote it together with what the job did."""

    def __init__(self, connector: PsycopgConnector, tasks: Mapping[str, Task[Any]]) -> None:
        super().__init__(connector)
        self._tasks = tasks

    async def finish_job(self, job: TakenJob, status: Status, delete_job: bool) -> None:
        if job.task_name in self._tasks:
            return
        if job.attempts < UNKNOWN_TIMES:
            logger.warning("No such task here: put back", job_id=job.id, task=job.task_name)
            await self.retry_job(job, retry_at=datetime.now(UTC) + UNKNOWN_PAUSE)
        else:
            logger.error("A job is of a task that nobody knows", job_id=job.id, task=job.task_name)
            await super().finish_job(job, status, delete_job)


class TaskWorker:
    """One process's worker, until it is told to end."""

    def __init__(
        self,
        runtime: Runtime,
        tasks: Mapping[str, Task[Any]],
        *,
        concurrency: int,
        queues: Sequence[str] = (),
    ) -> None:
        self._runtime = runtime
        self._tasks = tasks
        self._told = runtime.settings.tasks
        self._concurrency = concurrency
        self._queues = list(queues) or None
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=THREAD_NAME)
        self._is_ending = asyncio.Event()
        self._worker: Any = None  # half of what the library's class has is untyped
        connector = PsycopgConnector(
            min_size=1, max_size=LIBRARY_CONNECTIONS, kwargs=_connect_arguments(runtime)
        )
        self._app = App(connector=connector)
        self._app.job_manager = _Manager(connector, tasks)
        for each in tasks.values():
            self._register(each)

    async def serve(self) -> None:
        """Run jobs until SIGTERM or SIGINT; start anew whenever the database was away."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):  # Windows: Ctrl-C ends the process
                loop.add_signal_handler(number, self._end)
        async with self._app.open_async():
            pause = FIRST_PAUSE
            while not self._is_ending.is_set():
                began = loop.time()
                await self._serve_once()
                if not self._is_ending.is_set():
                    pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else pause
                    logger.warning("The worker starts anew in {:g} s", pause)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._is_ending.wait(), pause)
                    pause = min(2 * pause, LONGEST_PAUSE)

    def close(self) -> None:
        """Let the threads go; one that is still at work keeps the process from ending by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _serve_once(self) -> None:
        worker: Any = Worker(
            self._app,
            queues=self._queues,
            concurrency=self._concurrency,
            fetch_job_polling_interval=POLLING,
            abort_job_polling_interval=POLLING,
            shutdown_graceful_timeout=self._runtime.settings.server.shutdown_timeout,
            update_heartbeat_interval=self._told.heartbeat,
            stalled_worker_timeout=self._told.heartbeat * SILENT_BEATS,
            install_signal_handlers=False,
        )
        self._worker = worker
        keeping = asyncio.create_task(self._keep_house(worker), name="housekeeping")
        try:
            await worker.run()
        except (ConnectorException, OSError) as error:
            logger.warning("The worker broke off: {}", _first_line(error))
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    def _end(self) -> None:
        self._is_ending.set()
        if self._worker is not None:
            self._worker.stop()

    async def _keep_house(self, worker: Any) -> None:
        """Give a sign of life, while it drains, too, and look after the jobs of dead workers."""
        while True:
            await asyncio.sleep(self._told.heartbeat)
            try:
                if worker.worker_id is not None:
                    await self._app.job_manager.update_heartbeat(worker.worker_id)
                await asyncio.to_thread(self._rescue)
            except (SQLAlchemyError, ConnectorException, OSError) as error:
                logger.warning("Dead workers could not be looked for: {}", _first_line(error))

    def _rescue(self) -> None:
        with self._runtime.database.transaction() as session:
            rescue(session, self._tasks, silent=self._told.heartbeat * SILENT_BEATS)

    def _register(self, task: Task[Any]) -> None:
        """Make the task known to the library, as a coroutine that waits for a thread."""

        async def perform(context: JobContext, /, **envelope: Any) -> None:
            taken = context.job
            if taken.id is None or taken.worker_id is None:
                raise RuntimeError("Procrastinate runs a job that it has not fetched.")
            attempt = Attempt(taken.id, taken.worker_id, taken.attempts)
            await self._perform(Job(task, attempt, envelope), context)

        # Of a periodic task one job waits at most, and one is at work.
        lock = task.name if task.cron else None
        registered: Any = self._app.task(
            name=task.name,
            queue=task.queue,
            pass_context=True,
            lock=lock,
            queueing_lock=lock,
        )(perform)
        if task.cron:
            if not croniter.is_valid(task.cron):
                raise AppError(f"The task {task.name}: '{task.cron}' is no moment cron knows.")
            self._app.periodic(cron=task.cron)(registered)

    async def _perform(self, job: Job, context: JobContext) -> None:
        loop = asyncio.get_running_loop()
        within = job.context(self._told.timeout)
        try:
            await loop.run_in_executor(self._threads, within.run, run, job, self._runtime)
        except asyncio.CancelledError:
            is_cancelled = context.abort_reason() is AbortReason.USER_REQUEST
            await self._interrupt(job, is_cancelled=is_cancelled)
        except Exception as error:  # noqa: BLE001 - its end could not be written, for whatever reason
            # The job is still this worker's, so this worker has to be no more.
            logger.warning(
                "The end of a job could not be written: {}",
                _first_line(error),
                job_id=job.attempt.job,
            )
            if self._worker is not None:
                self._worker.stop()

    async def _interrupt(self, job: Job, *, is_cancelled: bool) -> Outcome:
        within = job.context(self._told.timeout)
        return await asyncio.to_thread(
            within.run, interrupt, job, self._runtime, is_cancelled=is_cancelled
        )


def worker_database_settings(settings: Settings, concurrency: int) -> DatabaseSettings:
    """Return the database settings of a worker: past the pooler, patient, a connection a thread."""
    patience = settings.tasks.timeout
    return settings.database.model_copy(
        update={
            "url": resolve_direct_url(settings),
            "direct_url": None,
            "pool_size": concurrency + OWN_CONNECTIONS,
            "statement_timeout": patience,
            "idle_in_transaction_timeout": patience,
        }
    )


def _connect_arguments(runtime: Runtime) -> dict[str, Any]:
    """Return the arguments of a connection like our own, on which the library finds its tables."""
    engine = runtime.database.engine
    _, arguments = engine.dialect.create_connect_args(engine.url)
    own = f"{arguments.get('options', '')} {SEARCH_PATH}".strip()
    return {**arguments, "options": own, "application_name": "lintel worker"}


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"
