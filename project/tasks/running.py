"""One attempt of a job, from its arguments to its end, in a thread."""

import time
import traceback
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from loguru import logger

from project.db.retry import retry_conflicts
from project.deadline import Deadline, current_deadline
from project.logging import request_id, trace_id
from project.runtime import Runtime
from project.tasks.declaring import GiveUp, InvalidArguments, Task
from project.tasks.enqueueing import ARGUMENTS, REQUEST, TRACE
from project.tasks.settling import Attempt, Overtaken, finish, hold, note_error, put_back


class Outcome(Enum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    RETRIED = "failed and runs again"
    FAILED = "failed"
    OVERTAKEN = "was overtaken: nothing of it counts"
    INTERRUPTED = "was interrupted and runs again"
    ABORTED = "was cancelled: nothing of it counts"


@dataclass(frozen=True)
class Job:
    """A job that a worker has taken."""

    task: Task[Any]
    attempt: Attempt
    envelope: Mapping[str, Any]

    def context(self, timeout: float) -> Context:
        """Return what the attempt is run in: the ids of whoever asked for it, and its deadline."""
        context = Context()
        context.run(request_id.set, self.envelope.get(REQUEST))
        context.run(trace_id.set, self.envelope.get(TRACE))
        context.run(current_deadline.set, Deadline(time.monotonic() + timeout))
        return context

    def log(self, outcome: Outcome, began: float, error: BaseException | None = None) -> None:
        """Write the one line of an attempt; a failure that is final is an error."""
        level = {Outcome.FAILED: "ERROR", Outcome.SUCCEEDED: "INFO"}.get(outcome, "WARNING")
        logger.bind(
            job_id=self.attempt.job,
            task=self.task.name,
            attempt=self.attempt.number + 1,
            duration_ms=round((time.perf_counter() - began) * 1000, 1),
        ).opt(exception=error).log(level, "Job {}", outcome.value)


def run(job: Job, runtime: Runtime) -> Outcome:
    """Run the attempt and write what becomes of its job.

    Raises what the database raises if even that cannot be written: then the job is still
    this worker's.
    """
    began = time.perf_counter()
    try:
        retry_conflicts(lambda: _work(job, runtime))
    except Overtaken:
        outcome, error = Outcome.OVERTAKEN, None
    except Exception as problem:  # noqa: BLE001 - whatever a task does, its worker goes on
        error = problem
        current_deadline.set(None)  # for the work, not for what is said of it
        outcome = retry_conflicts(partial(_fail, job, runtime, problem))
    else:
        outcome, error = Outcome.SUCCEEDED, None
    job.log(outcome, began, error)
    return outcome


def interrupt(job: Job, runtime: Runtime, *, is_cancelled: bool) -> Outcome:
    """Take the job away from an attempt that is still at work, whose end then counts no more."""
    began = time.perf_counter()
    outcome = Outcome.ABORTED if is_cancelled else Outcome.INTERRUPTED
    try:
        with runtime.database.transaction() as session:
            hold(session, job.attempt)
            if is_cancelled:
                finish(session, job.attempt.job, "aborted")
            else:
                put_back(session, job.attempt.job)
    except Overtaken:  # it has ended at the last moment
        return Outcome.OVERTAKEN
    job.log(outcome, began)
    return outcome


def _work(job: Job, runtime: Runtime) -> None:
    """Do what is asked and end the job, in one transaction: both happened, or neither."""
    with runtime.database.transaction() as session:
        job.task.run(session, runtime, job.envelope.get(ARGUMENTS) or {})
        session.flush()
        hold(session, job.attempt)
        finish(session, job.attempt.job, "succeeded", is_deleted=not job.task.keep)


def _fail(job: Job, runtime: Runtime, error: Exception) -> Outcome:
    pause = job.task.retry.pause(job.attempt.number + 1)
    is_final = pause is None or isinstance(error, InvalidArguments | GiveUp)
    try:
        with runtime.database.transaction() as session:
            hold(session, job.attempt)
            note_error(session, job.attempt.job, _said(error))
            if is_final:
                finish(session, job.attempt.job, "failed")
            else:
                put_back(session, job.attempt.job, after=pause or 0.0)
    except Overtaken:
        return Outcome.OVERTAKEN
    return Outcome.FAILED if is_final else Outcome.RETRIED


def _said(error: Exception) -> str:
    """Return the kind, the sentence and the place: no values of variables."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
