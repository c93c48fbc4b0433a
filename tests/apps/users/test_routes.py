"""The pages behind mailed links, as a browser without JavaScript uses them."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from io import StringIO

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from loguru import logger
from sqlalchemy.orm import Session

from apps.users.models import User
from project.mail.message import Message
from tests.factories.users import PASSWORD, UserFactory

Mails = Callable[[], list[Message]]

NEW_PASSWORD = "another battery staple"
CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
]


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    sink = logger.add(written, level=0, format="{message} {extra} {exception}", diagnose=False)
    yield written
    logger.remove(sink)


def link_in(mail: Message) -> str:
    """The path of the link in a mail."""
    found = re.search(r"//[^/]+(/account/\w+/[\w-]{43})$", mail.text, re.MULTILINE)
    assert found is not None
    return found[1]


def ask(client: TestClient, user: User, sent_mails: Mails) -> str:
    client.post("/account/reset", data={"email": user.email})
    return link_in(sent_mails()[-1])


def token_of(page: Response) -> str:
    """What the form on a page sends along."""
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found is not None
    return unescape(found[1])


def passwords(
    token: str, password: str = NEW_PASSWORD, repeated: str | None = None
) -> dict[str, str]:
    again = password if repeated is None else repeated
    return {"token": token, "password": password, "repeated": again}


def test_anonymous(client: TestClient) -> None:
    page = client.get("/account/reset")
    assert page.status_code == 200
    assert 'action="/account/reset"' in page.text
    assert "<script" not in page.text


def test_reset(client: TestClient, session: Session, sent_mails: Mails) -> None:
    user = UserFactory()
    link = ask(client, user, sent_mails)
    page = client.get(link)
    assert user.email in page.text
    answer = client.post("/account/reset/password", data=passwords(token_of(page)))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/reset/done")
    form = {"username": user.email, "password": NEW_PASSWORD}
    assert client.post("/api/v1/auth/token", data=form).status_code == 200
    assert client.get(link).status_code == 404
    assert client.post("/account/reset/password", data=passwords(token_of(page))).status_code == 404


@pytest.mark.parametrize(
    ("password", "repeated", "complaint"),
    [
        ("", "", "has 8 to 256 characters"),
        ("x" * 257, "x" * 257, "has 8 to 256 characters"),
        ("nul\x00nul\x00nul", "nul\x00nul\x00nul", "has 8 to 256 characters"),
        (NEW_PASSWORD, f"{NEW_PASSWORD}s", "not the same"),
        ("iloveyou", "iloveyou", "everybody tries first"),
        ("hedy.lamarr", "hedy.lamarr", "too much like"),
    ],
)
def test_password_that_will_not_do(
    client: TestClient, sent_mails: Mails, password: str, repeated: str, complaint: str
) -> None:
    """The page comes back with a reason, without the password, and the link still works."""
    user = UserFactory(email="hedy.lamarr@example.com")
    token = token_of(client.get(ask(client, user, sent_mails)))
    page = client.post("/account/reset/password", data=passwords(token, password, repeated))
    assert page.status_code == 422
    assert complaint in page.text
    assert not password or f'value="{password}"' not in page.text
    answer = client.post("/account/reset/password", data=passwords(token_of(page)))
    assert answer.status_code == 303


def test_nobody_learns_who_has_an_account(client: TestClient, sent_mails: Mails) -> None:
    known = UserFactory()
    answers = [
        client.post("/account/reset", data={"email": email})
        for email in (known.email, "unknown@example.com")
    ]
    assert {(a.status_code, a.content, a.headers["Location"]) for a in answers} == {
        (303, b"", "/account/reset/sent")
    }
    assert len(sent_mails()) == 1


@pytest.mark.parametrize("email", ["", "nonsense", "a@b.example\nBcc: eve@example.com", "x" * 300])
def test_wrong_address(client: TestClient, sent_mails: Mails, email: str) -> None:
    page = client.post("/account/reset", data={"email": email})
    assert page.status_code == 422
    assert "not an email address" in page.text
    assert sent_mails() == []


def test_verification_is_not_done_by_looking(
    client: TestClient, session: Session, sent_mails: Mails
) -> None:
    """Mail scanners follow links; only the button confirms."""
    body = {"email": "new@example.com", "password": PASSWORD}
    client.post("/api/v1/users/", json=body)
    link = link_in(*sent_mails())
    user = session.query(User).one()
    for _ in range(2):
        page = client.get(link)
        assert page.status_code == 200
    session.refresh(user)
    assert user.verified_email is None
    answer = client.post("/account/verify", data={"token": token_of(page)})
    assert answer.headers["Location"] == "/account/verify/done"
    session.refresh(user)
    assert user.is_verified


def test_change_of_address(
    client: TestClient,
    session: Session,
    headers_for: Callable[[User], dict[str, str]],
    sent_mails: Mails,
) -> None:
    user = UserFactory()
    body = {"email": "new@example.com", "current_password": PASSWORD}
    client.post("/api/v1/auth/email", json=body, headers=headers_for(user))
    page = client.get(link_in(sent_mails()[1]))
    assert client.post("/account/email", data={"token": token_of(page)}).status_code == 303
    session.refresh(user)
    assert user.email == "new@example.com"


@pytest.mark.parametrize("page", ["reset", "verify", "email"])
@pytest.mark.parametrize("token", ["x" * 43, "x", "%00", "%ff", "'--", "x" * 5000])
def test_dead_links(client: TestClient, page: str, token: str) -> None:
    response = client.get(f"/account/{page}/{token}")
    assert response.status_code == 404
    assert "This link leads nowhere" in response.text


@pytest.mark.parametrize("path", ["reset/password", "verify", "email"])
def test_dead_forms(client: TestClient, path: str) -> None:
    for data in ({}, passwords("x" * 43), passwords("\x00")):
        page = client.post(f"/account/{path}", data=data)
        assert (page.status_code, "This link leads nowhere" in page.text) == (404, True)


@pytest.mark.parametrize("headers", CROSS_SITE)
@pytest.mark.parametrize("path", ["reset", "reset/password", "verify", "email"])
def test_forms_of_other_sites(
    client: TestClient, sent_mails: Mails, path: str, headers: dict[str, str]
) -> None:
    data = {"email": UserFactory().email, "token": "x" * 43}
    assert client.post(f"/account/{path}", data=data, headers=headers).status_code == 403
    assert sent_mails() == []


def test_form_of_a_page_that_hides_its_address(client: TestClient) -> None:
    """On plain HTTP a browser sends this from our own pages, which have `no-referrer`."""
    headers = {"Origin": "null"}
    answer = client.post("/account/verify", data={"token": "x"}, headers=headers)
    assert answer.status_code == 404


def test_headers_keep_the_token_here(client: TestClient, sent_mails: Mails) -> None:
    page = client.get(ask(client, UserFactory(), sent_mails))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    sources = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
    assert all(re.match(r"/(?!/)|#", source) for source in sources)


def test_token_is_not_logged(client: TestClient, log: StringIO, sent_mails: Mails) -> None:
    link = ask(client, UserFactory(), sent_mails)
    token = token_of(client.get(link))
    client.post("/account/reset/password", data=passwords(token))
    assert "/account/reset/{token} 200" in log.getvalue()
    assert "Password reset by a mailed link" in log.getvalue()
    assert token not in log.getvalue()


def test_admin_shows_the_way(client: TestClient) -> None:
    assert 'href="/account/reset"' in client.get("/admin/login").text
