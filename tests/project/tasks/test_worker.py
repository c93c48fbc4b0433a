"""Real workers: killed, put to sleep, told to end, cut off from the database."""

import json
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from project.logging import request_id
from project.mail.message import Message
from project.mail.sealed import seal_message
from project.settings import Settings
from project.tasks import Task
from project.tasks.builtin import deliver_mail
from project.tasks.enqueueing import put_into_queue
from tests.processes import run_manage, until
from tests.project.tasks.lab import tasks
from tests.project.tasks.workers import Lab, Worker

pytestmark = pytest.mark.blocks_loop


def ask(lab: Lab, task: Task[[str]], what: str) -> int:
    with lab.session() as session:
        return task.enqueue(session, what)


def lines(worker: Worker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.output.splitlines()]


def test_it_runs_after_the_commit_and_not_before(lab: Lab) -> None:
    with lab.worker() as worker:
        with lab.session() as session:
            job = tasks.note.enqueue(session, what="mine")
            probe = ask(lab, tasks.note, "other")
            lab.wait_for(probe, "succeeded")
            assert lab.effects("mine") == 0
        lab.wait_for(job, "succeeded")
        assert lab.effects("mine") == 1
        until(lambda: '"task": "lab.note"' in worker.output, "a line about the job")
    line = next(line for line in lines(worker) if line.get("job_id") == job)
    assert (line["task"], line["attempt"], line["level"]) == ("lab.note", 1, "info")
    assert line["duration_ms"] >= 0


def test_what_is_rolled_back_is_never_run(lab: Lab) -> None:
    with lab.session() as session:
        tasks.note.enqueue(session, "undone")
        session.rollback()
    assert lab.one("SELECT count(*) FROM procrastinate.procrastinate_jobs") == 0


def test_it_knows_who_asked(lab: Lab) -> None:
    token = request_id.set("request-7")
    job = ask(lab, tasks.note, "known")
    request_id.reset(token)
    with lab.worker() as worker:
        lab.wait_for(job, "succeeded")
        until(lambda: '"task": "lab.note"' in worker.output, "a line about the job")
    assert lab.effects("known request-7 test") == 1
    line = next(line for line in lines(worker) if line.get("job_id") == job)
    assert line["request_id"] == "request-7"


def test_arguments_come_as_they_went_and_nothing_is_kept(lab: Lab) -> None:
    due = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    with lab.session() as session:
        job = tasks.pay.enqueue(session, Decimal("9.90"), due=due)
    gone = "SELECT count(*) = 0 FROM procrastinate.procrastinate_jobs WHERE id = :job"
    with lab.worker():
        until(lambda: lab.one(gone, job=job), "a job that is deleted")
    assert lab.effects("Decimal('9.90') 2026-11-24T13:30:00+00:00 None") == 1


def test_later(lab: Lab) -> None:
    with lab.session() as session:
        soon = tasks.note.later(after=timedelta(seconds=1.5)).enqueue(session, "soon")
        never = tasks.note.later(after=timedelta(days=1)).enqueue(session, "never")
        due = lab.one("SELECT now() + interval '1.5 seconds'")
    with lab.worker():
        lab.wait_for(soon, "succeeded")
        assert lab.one("SELECT now()") >= due
    assert lab.status(never) == "todo"


def test_retries_and_then_fails(lab: Lab) -> None:
    job = ask(lab, tasks.fail, "retried")
    with lab.worker() as worker:
        lab.wait_for(job, "failed")
    row = lab.job(job)
    assert (row.attempts, lab.effects("retried")) == (3, 0)
    assert row.args["error"].startswith("ValueError: in vain (")
    levels = [line["level"] for line in lines(worker) if line.get("job_id") == job]
    assert levels == ["warning", "warning", "error"]
    assert "retried" not in worker.output, "arguments are nobody's business"


def test_giving_up_is_final(lab: Lab) -> None:
    job = ask(lab, tasks.surrender, "given up")
    with lab.worker():
        lab.wait_for(job, "failed")
    row = lab.job(job)
    assert (row.attempts, lab.effects("given up")) == (1, 0)
    assert row.args["error"].startswith("GiveUp: It will not go better.")


def test_mail_is_sent_by_a_worker(lab: Lab, settings: Settings, tmp_path: Path) -> None:
    key = "a key of this test: 0123456789 abcdef"
    security = settings.security.model_copy(update={"secret_key": SecretStr(key)})
    settings = settings.model_copy(update={"security": security})
    mail = Message(to=("ada@example.com",), subject="Hello", text="By a worker.")
    with lab.session() as session:
        deliver_mail.enqueue(session, sealed=seal_message(settings, mail))
    with lab.worker(SECRET_KEY=key, MAIL_URL=f"file:{tmp_path}"):
        until(lambda: list(tmp_path.glob("*.eml")), "a mail in the folder")
        until(
            lambda: (
                not lab.one(
                    "SELECT count(*) FROM procrastinate.procrastinate_jobs "
                    "WHERE queue_name = 'mail'"
                )
            ),
            "a job that is deleted",
        )
    (sent,) = tmp_path.glob("*.eml")
    assert f"Message-ID: <{mail.key}@" in sent.read_text()


def test_killed_at_work_it_runs_again_elsewhere_once(lab: Lab) -> None:
    job = ask(lab, tasks.wait, "killed")
    with lab.gate_closed():
        with lab.worker() as first:
            lab.wait_until_held_up()
            first.end(signal.SIGKILL)
        with lab.worker() as second:
            until(lambda: lab.job(job).attempts == 1, "the job back in the queue")
            lab.wait_until_held_up()
            assert lab.effects("killed") == 0
            assert second.process.poll() is None
    with lab.worker():
        lab.wait_for(job, "succeeded")
    assert lab.effects("killed") == 1


def test_a_sleeper_that_wakes_up_does_nothing_twice(lab: Lab) -> None:
    with lab.worker() as sleeper, lab.worker() as other:
        with lab.gate_closed():
            job = ask(lab, tasks.wait, "asleep")
            lab.wait_until_held_up()
            first = lab.job(job).worker_id
            asleep = {True: sleeper, False: other}[_is_first(lab, first)]
            asleep.process.send_signal(signal.SIGSTOP)
            until(lambda: lab.job(job).worker_id not in {None, first}, "another worker at work")
            lab.wait_until_held_up(2)
        lab.wait_for(job, "succeeded")
        asleep.process.send_signal(signal.SIGCONT)
        until(lambda: "overtaken" in asleep.output, "a sleeper that has noticed")
    assert (lab.effects("asleep"), lab.job(job).attempts) == (1, 2)


def _is_first(lab: Lab, worker: int) -> bool:
    return bool(lab.one("SELECT min(id) FROM procrastinate.procrastinate_workers") == worker)


def test_sigterm_lets_jobs_finish_and_takes_no_more(lab: Lab) -> None:
    with lab.worker() as worker:
        with lab.gate_closed():
            job = ask(lab, tasks.wait, "drained")
            lab.wait_until_held_up()
            worker.process.send_signal(signal.SIGTERM)
            left = ask(lab, tasks.wait, "left")
        assert worker.process.wait(30) == 0
    assert (lab.status(job), lab.effects("drained")) == ("succeeded", 1)
    assert (lab.status(left), lab.job(left).attempts) == ("todo", 0)
    assert lab.one("SELECT count(*) FROM procrastinate.procrastinate_workers") == 0


def test_past_the_limit_a_job_goes_back_to_the_queue(lab: Lab) -> None:
    with lab.worker(SHUTDOWN_TIMEOUT="1") as worker, lab.gate_closed():
        job = ask(lab, tasks.wait, "cut off")
        lab.wait_until_held_up()
        assert worker.end() == 0
        assert (lab.status(job), lab.job(job).attempts) == ("todo", 1)
    assert lab.effects("cut off") == 0


def test_a_cancelled_job_leaves_nothing(lab: Lab) -> None:
    with lab.worker() as worker:
        with lab.gate_closed():
            job = ask(lab, tasks.wait, "cancelled")
            lab.wait_until_held_up()
            lab.one("SELECT procrastinate.procrastinate_cancel_job_v1(:job, true, false)", job=job)
            lab.wait_for(job, "aborted")
        after = ask(lab, tasks.note, "after")
        lab.wait_for(after, "succeeded")
        assert worker.process.poll() is None
    assert lab.effects("cancelled") == 0


def test_a_periodic_task_runs_once_for_two_workers(lab: Lab) -> None:
    with lab.worker("--concurrency", "1"), lab.worker("--concurrency", "1"):
        until(lambda: lab.effects("tick"), "a first run")
        with lab.gate_closed():
            jobs = [ask(lab, tasks.wait, "both") for _ in range(2)]
            lab.wait_until_held_up(2)  # one job at each worker: both have looked at the clock
        for job in jobs:
            lab.wait_for(job, "succeeded")
    moments = lab.one(
        "SELECT count(DISTINCT args ->> 'timestamp') FROM procrastinate.procrastinate_jobs "
        "WHERE task_name = 'lab.tick'"
    )
    assert lab.effects("tick") == moments


def test_a_worker_outlives_its_connections(lab: Lab) -> None:
    with lab.worker() as worker:
        done = ask(lab, tasks.note, "before")
        lab.wait_for(done, "succeeded")
        with lab.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                    "datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        job = ask(lab, tasks.note, "after")
        lab.wait_for(job, "succeeded")
        assert worker.process.poll() is None
        assert worker.end() == 0


def test_a_worker_that_was_struck_off_registers_anew(lab: Lab) -> None:
    """As one is that slept for long: a worker that starts deletes the rows of the silent."""
    with lab.worker() as worker:
        with lab.session() as session:
            session.execute(text("DELETE FROM procrastinate.procrastinate_workers"))
        lab.wait_for(ask(lab, tasks.note, "anew"), "succeeded")
        assert worker.process.poll() is None
    assert "starts anew" in worker.output


def test_what_takes_too_long_has_failed(lab: Lab) -> None:
    with lab.worker(TASKS_TIMEOUT="1"), lab.gate_closed():
        job = ask(lab, tasks.wait, "too long")
        lab.wait_for(job, "failed")
    assert "statement timeout" in lab.job(job).args["error"]
    assert lab.effects("too long") == 0


def test_it_goes_past_the_pooler(lab: Lab) -> None:
    direct = lab.copy.environment["DATABASE_URL"]
    nowhere = "postgresql://nobody@127.0.0.1:9/none"
    with lab.worker(DATABASE_URL=nowhere, DATABASE_DIRECT_URL=direct):
        lab.wait_for(ask(lab, tasks.note, "direct"), "succeeded")


def test_queues(lab: Lab) -> None:
    other = ask(lab, tasks.wait, "other")
    with lab.worker("--queues", "notes"):
        lab.wait_for(ask(lab, tasks.note, "served"), "succeeded")
    assert lab.status(other) == "todo"


def test_a_task_of_another_release_is_put_back(lab: Lab) -> None:
    with lab.session() as session:
        job = put_into_queue(session, name="lab.coming", queue="default", arguments={})
    with lab.worker() as worker:
        until(lambda: lab.job(job).attempts == 1, "the job back in the queue")
    assert lab.status(job) == "todo"
    assert "No such task here" in worker.output


def test_a_queue_that_no_task_has(lab: Lab) -> None:
    finished = lab.copy.manage("worker", "--queues", "nots")
    assert finished.returncode == 2
    assert "No task has the queue 'nots'. There are: default, mail, notes." in finished.stderr


def test_before_the_migration(lab: Lab, tmp_path: Path) -> None:
    url = lab.engine.url.set(database="postgres").render_as_string(hide_password=False)
    env = {**lab.copy.environment, "DATABASE_URL": url}
    finished = run_manage("worker", env=env)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "run `manage.py migrate`" in finished.stderr
