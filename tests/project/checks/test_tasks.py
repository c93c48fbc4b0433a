"""Tasks that no worker could run, and jobs that no worker runs."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.checks import Subject, tasks
from project.tasks.declaring import Task
from tests.project.tasks.lab import tasks as lab

LAB = "tests.project.tasks.lab"


def test_moments_that_never_come(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject.load((LAB,))
    assert list(tasks.moments_are_known_to_cron(subject)) == []
    never: Task[[]] = Task(
        "lab.never", lab.tick.function, lab.tick.retry, queue="default", cron="99 * * * *"
    )
    monkeypatch.setattr(lab, "never", never, raising=False)
    (problem,) = tasks.moments_are_known_to_cron(subject)
    assert (problem.id, problem.obj) == ("tasks.E001", "lab.never")


def test_jobs_that_nobody_runs(session: Session) -> None:
    subject = replace(Subject.load((LAB,)), connection=session.connection())
    assert list(tasks.somebody_runs_them(subject)) == []
    lab.wait.enqueue(session, "x")
    (problem,) = tasks.somebody_runs_them(subject)
    assert problem.id == "tasks.W001"
    assert problem.message.startswith("1 job(s) wait")
    session.execute(text("SELECT procrastinate.procrastinate_register_worker_v1()"))
    assert list(tasks.somebody_runs_them(subject)) == []


def test_mail_that_nobody_sends(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_VIA_TASKS", "true")
    subject = replace(Subject.load(()), connection=session.connection())
    (problem,) = tasks.somebody_runs_them(subject)
    assert "Mail is sent by workers" in problem.message
