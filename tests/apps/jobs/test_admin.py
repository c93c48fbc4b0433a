"""What staff see of jobs, and what they do about them."""

import re

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import Session

from apps.jobs.models import Job
from tests.factories.jobs import JobFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter

LIST = "/admin/jobs-job/list"
ACTION = "/admin/jobs-job/action"


@pytest.fixture
def operator(client: TestClient, session: Session) -> TestClient:
    names = ("jobs.view_job", "jobs.retry_job", "jobs.cancel_job")
    enter(client, grant(UserFactory.create(staff=True), *names))
    return client


def act(client: TestClient, action: str, *jobs: Job, **sent: str) -> Response:
    return client.post(ACTION, data={"action": action, "pks": [j.id for j in jobs], **sent})


def status(session: Session, job: Job) -> str:
    session.refresh(job)
    return job.status


def test_failed_jobs_are_seen_without_their_arguments(operator: TestClient) -> None:
    job = JobFactory.create(broken=True)
    for page in (LIST, f"{LIST}?status=failed", f"/admin/jobs-job/details/{job.id}"):
        text = operator.get(page).text
        assert "ValueError: in vain" in text
        assert "ada@example.com" not in text


def test_the_list_is_filtered_by_status(operator: TestClient) -> None:
    JobFactory(task_name="shop.waits")
    JobFactory(task_name="shop.fails", broken=True)
    page = operator.get(f"{LIST}?status=failed").text
    assert ("shop.fails" in page, "shop.waits" in page) == (True, False)


def test_who_asked_is_on_the_page_of_a_job(operator: TestClient) -> None:
    job = JobFactory.create()
    assert "Request request-7" in operator.get(f"/admin/jobs-job/details/{job.id}").text


def test_try_again(operator: TestClient, session: Session) -> None:
    failed, done = JobFactory.create(broken=True), JobFactory.create(status="succeeded")
    assert act(operator, "retry", failed, done).status_code == 303
    assert (status(session, failed), status(session, done)) == ("todo", "succeeded")


def test_cancel_waits_for_a_yes(operator: TestClient, session: Session) -> None:
    job = JobFactory.create()
    assert "Jobs that wait are never run" in act(operator, "cancel", job).text
    assert status(session, job) == "todo"
    assert act(operator, "cancel", job, _agreed="1").status_code == 303
    assert status(session, job) == "cancelled"


@pytest.mark.needs("audit")
def test_it_is_in_the_history(operator: TestClient, session: Session) -> None:
    job = JobFactory.create(broken=True)
    act(operator, "retry", job)
    page = operator.get(f"/admin/jobs-job/history/{job.id}").text
    assert "retry" in page.lower()
    assert re.search(r"Failed.*→.*Todo", page, re.DOTALL)


@pytest.mark.parametrize(("action", "broken"), [("retry", True), ("cancel", False)])
def test_each_action_has_its_permission(
    client: TestClient, session: Session, action: str, *, broken: bool
) -> None:
    enter(client, grant(UserFactory.create(staff=True), "jobs.view_job"))
    job = JobFactory.create(broken=broken)
    before = job.status
    assert act(client, action, job).status_code == 403
    assert status(session, job) == before
