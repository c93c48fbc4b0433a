import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient
from loguru import logger
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.users.admin_pages import ResetLinkPage
from apps.users.models import User
from apps.users.passwords import verify_password
from project.mail.mailers import ConsoleMailer
from project.mail.message import Message
from project.runtime import Runtime
from tests.factories.users import PASSWORD, UserFactory, grant
from tests.project.admin.support import enter, shown_form, sign_in

if TYPE_CHECKING:
    from loguru import Record

NEW_PASSWORD = "another battery staple"
Mails = Callable[[], list[Message]]


def is_security(record: "Record") -> bool:
    return record["extra"].get("logger") == "security"


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    sign_in(client, UserFactory.create(superuser=True, email="root@example.com"))
    return client


def find(session: Session, email: str) -> User:
    session.expire_all()
    return session.scalars(select(User).where(User.email == email)).one()


def test_password_hash_is_on_no_page(admin: TestClient) -> None:
    user = UserFactory.create()
    paths = (
        "/admin/",
        "/admin/users-user/list",
        "/admin/users-user/list?search=argon2",
        "/admin/users-user/create",
        f"/admin/users-user/details/{user.id}",
        f"/admin/users-user/edit/{user.id}",
        f"/admin/users-user/delete?pks={user.id}",
    )
    for path in paths:
        page = admin.get(path)
        assert page.status_code == 200
        assert "password_hash" not in page.text
        assert "argon2id" not in page.text


def test_password_hash_is_not_even_read(admin: TestClient, statements: list[str]) -> None:
    user = UserFactory.create()
    statements.clear()
    for page in ("list", f"details/{user.id}", f"edit/{user.id}"):
        admin.get(f"/admin/users-user/{page}")
    own = [s for s in statements if "users_auth_session" not in s]
    assert not [s for s in own if "password_hash" in s]


@pytest.mark.parametrize("name", ["password_hash", "password"])
def test_password_cannot_be_searched_or_sorted_by(admin: TestClient, name: str) -> None:
    response = admin.get("/admin/users-user/list", params={"sortBy": name})
    assert response.status_code == 400
    assert "argon2" not in response.text


def test_search_takes_wildcards_as_characters(admin: TestClient) -> None:
    UserFactory.create(email="a_b@example.com", full_name="100 % Ada")
    UserFactory.create(email="axb@example.com", full_name="Grace")
    for term in ("A_B@", "100 %"):
        page = admin.get("/admin/users-user/list", params={"search": term}).text
        assert "a_b@example.com" in page
        assert "axb@example.com" not in page


def test_create_with_a_password(admin: TestClient, session: Session) -> None:
    form = {"email": "Ada@Example.com", "password": NEW_PASSWORD, "is_active": "y"}
    response = admin.post("/admin/users-user/create", data=form)
    assert response.status_code == 303, response.text
    user = find(session, "ada@example.com")
    assert verify_password(NEW_PASSWORD, user.password_hash)
    assert user.is_active
    assert not user.is_superuser
    assert user.full_name is None


def test_create_without_a_password(admin: TestClient, session: Session) -> None:
    assert (
        admin.post("/admin/users-user/create", data={"email": "a@example.com"}).status_code == 303
    )
    user = find(session, "a@example.com")
    assert user.password_hash is None
    assert not user.is_active


def test_password_is_hashed_in_its_own_lane(admin: TestClient, runtime: Runtime) -> None:
    before = runtime.lanes.hash.completed
    form = {"email": "ada@example.com", "password": NEW_PASSWORD}
    admin.post("/admin/users-user/create", data=form)
    assert runtime.lanes.hash.completed == before + 1


def test_hash_cannot_be_sent(admin: TestClient, session: Session) -> None:
    user = UserFactory.create()
    before = user.password_hash
    form = shown_form(admin.get(f"/admin/users-user/edit/{user.id}"))
    form["password_hash"] = "forged"
    assert admin.post(f"/admin/users-user/edit/{user.id}", data=form).status_code == 303
    assert find(session, user.email).password_hash == before


def test_new_password_ends_every_session(admin: TestClient, session: Session) -> None:
    user = UserFactory.create()
    token = admin.post(
        "/api/v1/auth/token", data={"username": user.email, "password": PASSWORD}
    ).json()["access_token"]
    form = shown_form(admin.get(f"/admin/users-user/password/{user.id}"))
    assert form == {"password": ""}
    form["password"] = NEW_PASSWORD
    assert admin.post(f"/admin/users-user/password/{user.id}", data=form).status_code == 303
    assert verify_password(NEW_PASSWORD, find(session, user.email).password_hash)
    headers = {"Authorization": f"Bearer {token}"}
    assert admin.get("/api/v1/users/me", headers=headers).status_code == 401


def test_owner_hears_of_a_new_password(
    admin: TestClient, session: Session, sent_mails: Mails
) -> None:
    user = UserFactory.create()
    lines: list[str] = []
    sink = logger.add(lines.append, format="{extra[event]} {extra[user_id]}", filter=is_security)
    form = shown_form(admin.get(f"/admin/users-user/edit/{user.id}"))
    assert "password" not in form
    form["password"] = NEW_PASSWORD
    assert admin.post(f"/admin/users-user/edit/{user.id}", data=form).status_code == 303
    assert (sent_mails(), lines) == ([], []), "nothing is changed"
    form = {"password": NEW_PASSWORD}
    response = admin.post(f"/admin/users-user/password/{user.id}", data=form)
    logger.remove(sink)
    assert "The password is changed." in admin.get(response.headers["location"]).text
    assert [(mail.to, "changed" in mail.subject) for mail in sent_mails()] == [
        ((user.email,), True)
    ]
    assert lines == [f"password_set {user.id}\n"]


def test_owner_hears_at_the_old_address_of_a_new_one(
    admin: TestClient, session: Session, sent_mails: Mails
) -> None:
    user = UserFactory.create(email="old@example.com")
    address = f"/admin/users-user/edit/{user.id}"
    form = shown_form(admin.get(address))
    assert admin.post(address, data={**form, "full_name": "Ada"}).status_code == 303
    assert sent_mails() == []
    form = shown_form(admin.get(address)) | {"email": "new@example.com"}
    assert admin.post(address, data=form).status_code == 303
    (mail,) = sent_mails()
    assert (mail.to, "new@example.com" in mail.text) == (("old@example.com",), True)


def test_staff_send_a_link_to_a_new_password(
    admin: TestClient, session: Session, sent_mails: Mails
) -> None:
    user = UserFactory.create()
    path = f"/admin/users-user/reset-link/{user.id}"
    assert path in admin.get(f"/admin/users-user/edit/{user.id}").text
    assert "Send a link" in admin.get(path).text
    assert sent_mails() == []
    response = admin.post(path)
    assert "A link is on its way" in admin.get(response.headers["location"]).text
    (mail,) = sent_mails()
    assert (mail.to, "/account/reset/" in mail.text) == ((user.email,), True)
    assert verify_password(PASSWORD, find(session, user.email).password_hash)


def test_staff_are_told_where_a_link_is_printed(runtime: Runtime) -> None:
    page = ResetLinkPage()
    printing = replace(runtime, mailer=ConsoleMailer("shop@example.com"))
    assert "printed where the server runs" in page.said_when_done(printing)
    assert "on its way" in page.said_when_done(runtime)


def test_nobody_is_sent_a_link_who_may_not_use_it(admin: TestClient, session: Session) -> None:
    user = UserFactory.create(is_active=False)
    assert admin.get(f"/admin/users-user/reset-link/{user.id}").status_code == 404
    assert admin.post(f"/admin/users-user/reset-link/{user.id}").status_code == 404


@pytest.mark.parametrize("page", ["password", "reset-link"])
def test_account_of_somebody_higher(client: TestClient, session: Session, page: str) -> None:
    enter(client, grant(UserFactory.create(staff=True), "users.change_user"))
    path = f"/admin/users-user/{page}/{UserFactory.create(superuser=True).id}"
    assert client.get(path).status_code == 403
    assert client.post(path, data={"password": NEW_PASSWORD}).status_code == 403


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_weak_password_is_refused_and_not_repeated(admin: TestClient, password: str) -> None:
    form = {"email": "ada@example.com", "password": password}
    response = admin.post("/admin/users-user/create", data=form)
    assert response.status_code == 400
    assert password not in response.text


def test_known_email_is_a_sentence_at_the_form(admin: TestClient) -> None:
    UserFactory.create(email="ada@example.com")
    form = {"email": "ADA@example.com", "password": NEW_PASSWORD}
    response = admin.post("/admin/users-user/create", data=form)
    assert response.status_code == 409
    assert "An account with this email exists already." in response.text
    assert NEW_PASSWORD not in response.text


def test_known_email_is_a_sentence_at_the_field(admin: TestClient, session: Session) -> None:
    UserFactory.create(email="ada@example.com")
    other = UserFactory.create(email="grace@example.com")
    form = shown_form(admin.get(f"/admin/users-user/edit/{other.id}"))
    form["email"] = "ada@example.com"
    response = admin.post(f"/admin/users-user/edit/{other.id}", data=form)
    assert response.status_code == 409
    assert "Another user has this already." in response.text
    for leak in ("duplicate key", "uq_users", "argon2", "UPDATE"):
        assert leak not in response.text


@pytest.mark.parametrize("password", ["iloveyou", "grace.hopper"])
def test_password_that_is_tried_first(admin: TestClient, session: Session, password: str) -> None:
    user = UserFactory.create(email="grace.hopper@example.com")
    path = f"/admin/users-user/password/{user.id}"
    response = admin.post(path, data={"password": password})
    assert response.status_code == 422
    assert "This password is" in response.text
    assert password not in response.text.replace(user.email, "")
    assert verify_password(PASSWORD, find(session, user.email).password_hash)


@pytest.mark.parametrize("password", ["iloveyou", "grace.hopper"])
def test_all_that_is_wrong_with_a_new_account_is_said_at_once(
    admin: TestClient, password: str
) -> None:
    UserFactory.create(email="grace.hopper@example.com")
    sent = {"email": "grace.hopper@example.com", "full_name": "x" * 300, "password": password}
    response = admin.post("/admin/users-user/create", data=sent)
    assert response.status_code == 400
    wrong = re.findall(r'id="wrong-(\w+)"', response.text)
    assert wrong == ["email", "full_name", "password"]
    assert f'value="{password}"' not in response.text


@pytest.mark.parametrize("email", ["", "nonsense", "a@b\0.com", "x" * 250 + "@example.com"])
def test_wrong_email(admin: TestClient, email: str) -> None:
    assert admin.post("/admin/users-user/create", data={"email": email}).status_code == 400


def test_box_that_is_not_ticked_takes_the_right_away(admin: TestClient, session: Session) -> None:
    user = UserFactory.create(staff=True)
    form = shown_form(admin.get(f"/admin/users-user/edit/{user.id}"))
    assert form.pop("is_staff") == "y"
    admin.post(f"/admin/users-user/edit/{user.id}", data=form)
    changed = find(session, user.email)
    assert not changed.is_staff
    assert changed.is_active


@pytest.mark.anyio
@pytest.mark.committed
async def test_many_creations_at_once_do_not_lock_up(
    async_client: AsyncClient,
    session: Session,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hashing needs a thread; whoever holds one meanwhile, or a connection, waits for ever."""
    for lane in runtime.lanes:  # a slow machine is no lock-up
        monkeypatch.setattr(lane, "queue_timeout", 60.0)
    root = UserFactory.create(superuser=True)
    await async_client.post("/admin/login", data={"username": root.email, "password": PASSWORD})
    forms = [{"email": f"new{n}@example.com", "password": NEW_PASSWORD} for n in range(40)]
    sent = (async_client.post("/admin/users-user/create", data=form) for form in forms)
    statuses = [response.status_code for response in await asyncio.gather(*sent)]
    assert statuses == [303] * 40
    assert session.scalar(select(func.count()).select_from(User)) == 41
    assert runtime.lanes.database.running == runtime.lanes.hash.running == 0
    assert (await async_client.get("/")).status_code == 200
