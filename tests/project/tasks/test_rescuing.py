from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.tasks import Task
from project.tasks.rescuing import DEATHS, LEFT, forget_old, rescue
from tests.project.tasks.lab import tasks

KNOWN: Mapping[str, Task[Any]] = {tasks.wait.name: tasks.wait}
JOB = text("SELECT * FROM procrastinate.procrastinate_jobs WHERE id = :id")


@pytest.fixture
def worker(session: Session) -> int:
    query = "SELECT worker_id FROM procrastinate.procrastinate_register_worker_v1()"
    return int(session.scalar(text(query)) or 0)


def taken(session: Session, worker: int | None, *, attempts: int = 0) -> int:
    """A job that a worker is at work on, or was, if it is gone."""
    job = tasks.wait.enqueue(session, "x")
    told = {"id": job, "worker": worker, "attempts": attempts}
    session.execute(
        text(
            "UPDATE procrastinate.procrastinate_jobs SET status = 'doing', worker_id = :worker, "
            "attempts = :attempts WHERE id = :id"
        ),
        told,
    )
    return job


def test_who_lives_keeps_its_jobs(session: Session, worker: int) -> None:
    job = taken(session, worker)
    assert rescue(session, KNOWN, silent=30.0) == 0
    assert session.execute(JOB, {"id": job}).one().status == "doing"


def test_who_was_silent_loses_them(session: Session, worker: int) -> None:
    job = taken(session, worker)
    session.execute(
        text(
            "UPDATE procrastinate.procrastinate_workers "
            "SET last_heartbeat = now() - interval '31 seconds'"
        )
    )
    assert rescue(session, KNOWN, silent=30.0) == 1
    row = session.execute(JOB, {"id": job}).one()
    assert (row.status, row.attempts, row.args["error"]) == ("todo", 1, LEFT)


def test_who_is_gone_loses_them(session: Session) -> None:
    job = taken(session, None)
    assert rescue(session, KNOWN, silent=30.0) == 1
    assert session.execute(JOB, {"id": job}).one().status == "todo"


def test_a_job_that_kills_its_workers_ends(session: Session) -> None:
    job = taken(session, None, attempts=DEATHS)
    rescue(session, {}, silent=30.0)
    row = session.execute(JOB, {"id": job}).one()
    assert (row.status, row.attempts) == ("failed", DEATHS + 1)


def aged(session: Session, status: str, days: int) -> int:
    job = tasks.wait.enqueue(session, "x")
    told = {"id": job, "status": status, "days": days}
    session.execute(
        text(
            "UPDATE procrastinate.procrastinate_jobs "
            "SET status = CAST(:status AS procrastinate.procrastinate_job_status) WHERE id = :id"
        ),
        told,
    )
    session.execute(
        text(
            "UPDATE procrastinate.procrastinate_events "
            "SET at = at - make_interval(days => :days) WHERE job_id = :id"
        ),
        told,
    )
    return job


def test_what_ended_long_ago_is_forgotten(session: Session) -> None:
    kept = [
        aged(session, "succeeded", 6),
        aged(session, "failed", 29),
        aged(session, "todo", 400),
        aged(session, "doing", 400),
    ]
    aged(session, "succeeded", 8)
    aged(session, "failed", 31)
    assert forget_old(session, days=7, failed_days=30) == 2
    ids = "SELECT id FROM procrastinate.procrastinate_jobs ORDER BY id"
    assert list(session.scalars(text(ids))) == kept
