"""The second version: another shape over the same rows and rules."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from apps.users.models import User
from tests.conftest import QueryBudget
from tests.factories.users import UserFactory

Headers = Callable[[User], dict[str, str]]

USERS = "/api/v2/users/"
ME = "/api/v2/users/me"
REGISTRATION = {"email": "test@example.com", "password": "securepassword"}


def test_register_anonymous(client: TestClient) -> None:
    response = client.post(USERS, json=REGISTRATION)
    body = response.json()
    assert response.status_code == 201
    assert body["name"] == {"full": None, "display": "test"}
    assert (body["status"], body["role"]) == ("active", "member")
    assert body.keys() == {"id", "email", "name", "status", "role", "registered_at"}


def test_register_known_email(client: TestClient) -> None:
    """Both versions write the same rows."""
    client.post("/api/v1/users/", json=REGISTRATION)
    response = client.post(USERS, json={**REGISTRATION, "email": "TEST@example.com"})
    assert (response.status_code, response.json()["code"]) == (409, "email_taken")


def test_register_bad_password(client: TestClient) -> None:
    response = client.post(USERS, json={**REGISTRATION, "password": "canary"})
    assert response.status_code == 422
    assert "canary" not in response.text


def test_register_assigns_no_role(client: TestClient) -> None:
    body = {**REGISTRATION, "is_superuser": True, "is_staff": True, "role": "superuser"}
    response = client.post(USERS, json=body)
    assert response.status_code == 422 or response.json()["role"] == "member"


def test_read_me_anonymous(client: TestClient) -> None:
    assert client.get(ME).status_code == 401


@pytest.mark.parametrize("role", ["member", "staff", "superuser"])
def test_read_me(client: TestClient, headers_for: Headers, role: str) -> None:
    user = UserFactory(full_name="Ada", staff=role == "staff", superuser=role == "superuser")
    body = client.get(ME, headers=headers_for(user)).json()
    assert body["name"] == {"full": "Ada", "display": "Ada"}
    assert body["role"] == role


def test_versions_tell_the_same(client: TestClient, headers_for: Headers) -> None:
    headers = headers_for(UserFactory())
    first = client.get("/api/v1/users/me", headers=headers).json()
    second = client.get(ME, headers=headers).json()
    assert (first["id"], first["email"]) == (second["id"], second["email"])
    assert first["full_name"] == second["name"]["full"]
    assert first["created_at"] == second["registered_at"]


def test_update_me_anonymous(client: TestClient) -> None:
    assert client.patch(ME, json={"full_name": "Eve"}).status_code == 401


def test_update_me(client: TestClient, headers_for: Headers) -> None:
    headers = headers_for(UserFactory())
    response = client.patch(ME, json={"full_name": "Grace"}, headers=headers)
    assert response.json()["name"] == {"full": "Grace", "display": "Grace"}
    assert client.get("/api/v1/users/me", headers=headers).json()["full_name"] == "Grace"


def test_read_user_anonymous(client: TestClient) -> None:
    assert client.get(f"{USERS}1").status_code == 401


def test_read_user(client: TestClient, headers_for: Headers) -> None:
    user, staff = UserFactory(disabled=True), UserFactory(staff=True)
    response = client.get(f"{USERS}{user.id}", headers=headers_for(staff))
    assert (response.status_code, response.json()["status"]) == (200, "disabled")


def test_read_user_other(client: TestClient, headers_for: Headers) -> None:
    other = UserFactory()
    assert client.get(f"{USERS}{other.id}", headers=headers_for(UserFactory())).status_code == 403


def test_list_users_anonymous(client: TestClient) -> None:
    assert client.get(USERS).status_code == 401


def test_list_users_ordinary(client: TestClient, headers_for: Headers) -> None:
    assert client.get(USERS, headers=headers_for(UserFactory())).status_code == 403


def test_list_users(client: TestClient, headers_for: Headers) -> None:
    headers = headers_for(UserFactory(staff=True))
    UserFactory.create_batch(2)
    first = client.get(f"{USERS}?limit=2", headers=headers).json()
    second = client.get(f"{USERS}?limit=2&cursor={first['next_cursor']}", headers=headers).json()
    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["next_cursor"] is None
    assert second["items"][0]["role"] == "member"


def test_list_users_budget(
    client: TestClient, headers_for: Headers, max_queries: QueryBudget
) -> None:
    """As in the first version: who asks, and the page."""
    UserFactory.create_batch(5)
    headers = headers_for(UserFactory(staff=True))
    with max_queries(2):
        assert client.get(USERS, headers=headers).status_code == 200
