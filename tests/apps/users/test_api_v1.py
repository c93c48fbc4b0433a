import asyncio
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient
from loguru import logger
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User
from project.application import create_application
from project.settings import Settings
from tests.conftest import QueryBudget
from tests.database import TestDatabase
from tests.factories.users import PASSWORD, UserFactory, grant

Headers = Callable[[User], dict[str, str]]

USERS = "/api/v1/users/"
ME = "/api/v1/users/me"
REGISTRATION = {"email": "test@example.com", "password": "securepassword"}


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that is logged, at every level, with the details of each record."""
    written = StringIO()
    sink = logger.add(written, level=0, format="{message} {extra} {exception}", diagnose=False)
    yield written
    logger.remove(sink)


# Registration


def test_register_anonymous(client: TestClient, session: Session) -> None:
    response = client.post(USERS, json=REGISTRATION)
    user = session.scalars(select(User)).one()
    assert response.status_code == 201
    assert response.json() == {
        "id": user.id,
        "email": "test@example.com",
        "full_name": None,
        "is_active": True,
        "created_at": user.created_at.isoformat().replace("+00:00", "Z"),
    }


def test_register_stores_a_hash(client: TestClient, session: Session) -> None:
    client.post(USERS, json=REGISTRATION)
    stored = session.scalars(select(User.password_hash)).one()
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_register_answers_no_password(client: TestClient) -> None:
    answer = client.post(USERS, json={**REGISTRATION, "full_name": "Ada"}).text.lower()
    assert "password" not in answer
    assert "argon2" not in answer


@pytest.mark.parametrize("email", ["test@example.com", "TEST@Example.COM", "tEST@example.com"])
def test_register_known_email(client: TestClient, email: str) -> None:
    client.post(USERS, json={**REGISTRATION, "email": "Test@example.com"})
    response = client.post(USERS, json={**REGISTRATION, "email": email})
    assert (response.status_code, response.json()["code"]) == (409, "email_taken")
    assert "securepassword" not in response.text


def test_registered_email_is_kept_in_lower_case(client: TestClient) -> None:
    response = client.post(USERS, json={**REGISTRATION, "email": "Jürgen.ÄÖ@EXAMPLE.com"})
    assert (response.status_code, response.json()["email"]) == (201, "jürgen.äö@example.com")


@pytest.mark.committed
@pytest.mark.anyio
async def test_register_20_at_once(async_client: AsyncClient, session: Session) -> None:
    """A race for one address has one winner; nobody hears of a 500."""
    emails = ["test@example.com" if n % 2 else "TEST@example.com" for n in range(20)]
    requests = (async_client.post(USERS, json={**REGISTRATION, "email": e}) for e in emails)
    statuses = sorted(response.status_code for response in await asyncio.gather(*requests))
    assert statuses == [201] + [409] * 19
    assert session.scalar(select(func.count()).select_from(User)) == 1


@pytest.mark.parametrize(
    "password",
    [
        "",
        "1234567",
        "x" * 257,
        "canary-word\x00",
        "canary-word" * 10_000,
        ["canary-word"],
        {"canary-word": "canary-word"},
        12345678,
        None,
    ],
    ids=lambda password: f"{type(password).__name__} {str(password)[:12]!a}",
)
def test_register_bad_password(client: TestClient, log: StringIO, password: object) -> None:
    response = client.post(USERS, json={**REGISTRATION, "password": password})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][:2] == ["body", "password"]
    assert "canary-word" not in response.text + log.getvalue()


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff", r"\u0000", r"\ud83d\ud83d"])
def test_register_unstorable_password(client: TestClient, log: StringIO, escape: str) -> None:
    content = rf'{{"email": "test@example.com", "password": "canary-word{escape}"}}'
    response = client.post(USERS, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert "canary-word" not in response.text + log.getvalue()


@pytest.mark.parametrize("password", ["eight ch", "x" * 256, " " * 8, "пароль-пароль", "🔑" * 8])
def test_register_good_password(client: TestClient, password: str) -> None:
    assert client.post(USERS, json={**REGISTRATION, "password": password}).status_code == 201
    form = {"username": "test@example.com", "password": password}
    assert client.post("/api/v1/auth/token", data=form).status_code == 200


@pytest.mark.parametrize(
    "email",
    ["", "test", "test@", "@example.com", "a b@example.com", "a@b", "x" * 250 + "@example.com"],
)
def test_register_bad_email(client: TestClient, email: str) -> None:
    response = client.post(USERS, json={**REGISTRATION, "email": email})
    assert response.status_code == 422
    assert "securepassword" not in response.text


def test_register_secrets_stay_out_of_the_log(client: TestClient, log: StringIO) -> None:
    client.post(USERS, json=REGISTRATION)
    client.post(USERS, json=REGISTRATION)
    assert "email_taken" not in log.getvalue()
    assert "securepassword" not in log.getvalue()
    assert "POST" in log.getvalue()


@pytest.mark.parametrize("field", ["is_superuser", "is_staff", "is_active", "id", "password_hash"])
def test_register_assigns_no_more_than_it_says(
    client: TestClient, session: Session, field: str
) -> None:
    value = {"id": 77, "is_active": False, "password_hash": "x"}.get(field, True)
    assert client.post(USERS, json={**REGISTRATION, field: value}).status_code in {201, 422}
    for user in session.scalars(select(User)):
        assert (user.is_superuser, user.is_staff, user.is_active) == (False, False, True)
        assert user.id != 77
        assert user.password_hash != "x"


def test_register_closed(settings: Settings, database: TestDatabase, session: Session) -> None:
    closed = settings.security.model_copy(update={"registration_open": False})
    app = create_application(settings.model_copy(update={"security": closed}), database=database)
    with TestClient(app) as client:
        for path in (USERS, "/api/v2/users/"):
            response = client.post(path, json=REGISTRATION)
            assert (response.status_code, response.json()["code"]) == (403, "registration_closed")
    assert session.scalars(select(User)).all() == []


# One's own account


def test_read_me_anonymous(client: TestClient) -> None:
    response = client.get(ME)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_read_me(client: TestClient, headers_for: Headers) -> None:
    user = UserFactory(full_name="Ada")
    body = client.get(ME, headers=headers_for(user)).json()
    assert body.keys() == {"id", "email", "full_name", "is_active", "created_at"}
    assert (body["id"], body["email"], body["full_name"]) == (user.id, user.email, "Ada")


def test_read_me_disabled(client: TestClient, session: Session, headers_for: Headers) -> None:
    """Disabling an account ends its access at once, not when its token expires."""
    user = UserFactory()
    headers = headers_for(user)
    assert client.get(ME, headers=headers).status_code == 200
    user.is_active = False
    session.commit()
    assert client.get(ME, headers=headers).status_code == 401


def test_read_me_deleted(client: TestClient, session: Session, headers_for: Headers) -> None:
    user = UserFactory()
    headers = headers_for(user)
    session.delete(user)
    session.commit()
    assert client.get(ME, headers=headers).status_code == 401


def test_read_me_after_the_session_is_over(
    client: TestClient, session: Session, headers_for: Headers
) -> None:
    headers = headers_for(UserFactory())
    session.scalars(select(AuthSession)).one().expires_at = func.now()
    session.commit()
    assert client.get(ME, headers=headers).status_code == 401


def test_update_me_anonymous(client: TestClient) -> None:
    assert client.patch(ME, json={"full_name": "Eve"}).status_code == 401


def test_update_me(client: TestClient, session: Session, headers_for: Headers) -> None:
    user, other = UserFactory(full_name="Before"), UserFactory(full_name="Other")
    response = client.patch(ME, json={"full_name": "Zoë Ω"}, headers=headers_for(user))
    session.expire_all()
    assert (response.status_code, response.json()["full_name"]) == (200, "Zoë Ω")
    assert (user.full_name, other.full_name) == ("Zoë Ω", "Other")


def test_update_me_removes_the_name(client: TestClient, headers_for: Headers) -> None:
    headers = headers_for(UserFactory(full_name="Before"))
    assert client.patch(ME, json={"full_name": None}, headers=headers).json()["full_name"] is None


@pytest.mark.parametrize("name", ["", "x" * 201, "a\x00b", 5, ["Ada"]])
def test_update_me_bad_name(client: TestClient, headers_for: Headers, name: object) -> None:
    response = client.patch(ME, json={"full_name": name}, headers=headers_for(UserFactory()))
    assert response.status_code == 422


def test_update_me_assigns_no_more_than_it_says(
    client: TestClient, session: Session, headers_for: Headers
) -> None:
    user = UserFactory()
    email = user.email
    body = {"full_name": "Eve", "is_superuser": True, "is_staff": True, "email": "e@example.com"}
    assert client.patch(ME, json=body, headers=headers_for(user)).status_code in {200, 422}
    session.refresh(user)
    assert (user.is_superuser, user.is_staff, user.email) == (False, False, email)


# Any account


def test_read_user_anonymous(client: TestClient) -> None:
    assert client.get(f"{USERS}{UserFactory().id}").status_code == 401


def test_read_user_self(client: TestClient, headers_for: Headers) -> None:
    user = UserFactory()
    response = client.get(f"{USERS}{user.id}", headers=headers_for(user))
    assert (response.status_code, response.json()["id"]) == (200, user.id)


def test_read_user_other(client: TestClient, headers_for: Headers) -> None:
    """Whether the account exists or not: who may not look learns nothing."""
    other, headers = UserFactory(), headers_for(UserFactory())
    there = client.get(f"{USERS}{other.id}", headers=headers)
    missing = client.get(f"{USERS}{2**62}", headers=headers)
    assert (there.status_code, missing.status_code) == (403, 403)
    assert there.json()["detail"] == missing.json()["detail"]
    assert other.email not in there.text


@pytest.mark.parametrize("standing", ["staff", "superuser"])
def test_read_user_as_staff(client: TestClient, headers_for: Headers, standing: str) -> None:
    other, headers = UserFactory(), headers_for(UserFactory(**{standing: True}))
    assert client.get(f"{USERS}{other.id}", headers=headers).json()["email"] == other.email
    missing = client.get(f"{USERS}{2**63 - 1}", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "user_not_found")


def test_read_user_with_the_permission(client: TestClient, headers_for: Headers) -> None:
    other, headers = UserFactory(), headers_for(grant(UserFactory(), "users.view_user"))
    assert client.get(f"{USERS}{other.id}", headers=headers).json()["email"] == other.email
    assert client.get(USERS, headers=headers).status_code == 200


# All accounts


def test_list_users_anonymous(client: TestClient) -> None:
    assert client.get(USERS).status_code == 401


def test_list_users_ordinary(client: TestClient, headers_for: Headers) -> None:
    answer = client.get(USERS, headers=headers_for(UserFactory()))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_list_users_pages(client: TestClient, headers_for: Headers) -> None:
    users = [*(UserFactory() for _ in range(6)), UserFactory(staff=True)]
    headers, seen, url = headers_for(users[-1]), [], f"{USERS}?limit=3"
    sizes = []
    while url:
        body = client.get(url, headers=headers).json()
        seen += [user["id"] for user in body["items"]]
        sizes.append(len(body["items"]))
        cursor = body["next_cursor"]
        url = f"{USERS}?limit=3&cursor={cursor}" if cursor else ""
    assert seen == [user.id for user in users]
    assert sizes == [3, 3, 1]


def test_list_users_exact_page_has_no_next(client: TestClient, headers_for: Headers) -> None:
    users = [UserFactory(), UserFactory(staff=True)]
    body = client.get(f"{USERS}?limit=2", headers=headers_for(users[-1])).json()
    assert (len(body["items"]), body["next_cursor"]) == (2, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "cursor=x"])
def test_list_users_bad_page(client: TestClient, headers_for: Headers, query: str) -> None:
    headers = headers_for(UserFactory(staff=True))
    assert client.get(f"{USERS}?{query}", headers=headers).status_code == 422


def test_list_users_budget(
    client: TestClient, headers_for: Headers, max_queries: QueryBudget
) -> None:
    """One statement for who asks and one for the page, however long it is."""
    UserFactory.create_batch(5)
    headers = headers_for(UserFactory(staff=True))
    with max_queries(2):
        assert client.get(USERS, headers=headers).status_code == 200


def test_nothing_answers_a_hash(client: TestClient, headers_for: Headers) -> None:
    user = UserFactory(superuser=True)
    headers = headers_for(user)
    for version in ("v1", "v2"):
        for path in ("users/", "users/me", f"users/{user.id}"):
            answer = client.get(f"/api/{version}/{path}", headers=headers)
            assert answer.status_code == 200
            assert "argon2" not in answer.text
            assert "password" not in answer.text
            assert PASSWORD not in answer.text
