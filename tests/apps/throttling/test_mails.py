"""So much mail for one address and no more; whoever asks for it hears the same."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from apps.users.models import MailToken, User
from project.mail.mailers import MemoryMailer
from project.mail.message import Message
from project.runtime import Runtime
from tests.apps.throttling.conftest import Build, from_address
from tests.factories.users import PASSWORD, UserFactory

pytestmark = pytest.mark.committed

AUTH = "/api/v1/auth"
Headers = Callable[[User], dict[str, str]]


def mails_of(client: TestClient) -> list[Message]:
    runtime: Runtime = client.app.state.runtime  # type: ignore[attr-defined]
    assert isinstance(runtime.mailer, MemoryMailer)
    assert runtime.outbox.wait(10.0)
    return list(runtime.mailer.sent)


def ask(client: TestClient, session: Session, path: str, email: str) -> tuple[int, str]:
    """Ask for a link once the pause between two is over."""
    session.execute(update(MailToken).values(created_at=func.now() - timedelta(days=1)))
    session.commit()
    answer = client.post(f"{AUTH}/{path}", json={"email": email})
    return answer.status_code, answer.text


@pytest.mark.parametrize("path", ["password-reset", "verify-email/resend"])
def test_five_an_hour_from_wherever(build: Build, session: Session, path: str) -> None:
    client = build()
    user: User = UserFactory.create()
    addresses = [from_address(client, f"198.51.100.{n}") for n in range(8)]
    answers = {ask(one, session, path, user.email.upper()) for one in addresses}
    unknown = {ask(one, session, path, "nobody@example.com") for one in addresses}
    assert answers == unknown
    assert len(answers) == 1
    assert [mail.to for mail in mails_of(client)] == [(user.email,)] * 5


def test_each_kind_and_each_address_has_a_count_of_its_own(build: Build, session: Session) -> None:
    client = build(rates="mail=1/hour")
    ada, grace = UserFactory.create(), UserFactory.create()
    for path in ("password-reset", "verify-email/resend"):
        for user in (ada, grace, ada, grace):
            ask(client, session, path, user.email)
    assert Counter(mail.to for mail in mails_of(client)) == {(ada.email,): 2, (grace.email,): 2}


def test_strangers_are_not_mailed_by_changes_of_address(build: Build, headers_for: Headers) -> None:
    """Many accounts name the same address: the sixth of them mails nobody."""
    client = build()
    for _ in range(7):
        body = {"email": "target@example.com", "current_password": PASSWORD}
        headers = headers_for(UserFactory.create())
        assert client.post(f"{AUTH}/email", json=body, headers=headers).status_code == 202
    to_target = [mail for mail in mails_of(client) if mail.to == ("target@example.com",)]
    assert len(to_target) == 5
    assert len(mails_of(client)) == 10, "and as many owners have a notice"


def test_no_link_leaves_without_its_notice(build: Build, headers_for: Headers) -> None:
    client = build()
    user = UserFactory.create()
    headers = headers_for(user)
    for n in range(7):
        body = {"email": f"new-{n}@example.com", "current_password": PASSWORD}
        assert client.post(f"{AUTH}/email", json=body, headers=headers).status_code == 202
    assert len([mail for mail in mails_of(client) if mail.to == (user.email,)]) == 5
    assert len(mails_of(client)) == 10


def test_strangers_are_counted_by_address_whoever_they_say_they_are(
    build: Build, headers_for: Headers
) -> None:
    """An account opened a moment ago gives nobody another count."""
    client = build(rates="registration=2/hour, account-mail=2/hour")
    signed_in = [headers_for(UserFactory.create()) for _ in range(3)]
    for path, body in (("users/", {}), ("auth/password-reset", {"email": "a@example.com"})):
        answers = [client.post(f"/api/v1/{path}", json=body, headers=one) for one in signed_in]
        assert answers[2].status_code == 429


def test_registrations_are_counted_by_address(build: Build) -> None:
    client = build()
    answers = [client.post("/api/v1/users/", json={}).status_code for _ in range(301)]
    assert answers == [422] * 300 + [429]
