from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from fastapi.testclient import TestClient

from apps.sample_things.models import TITLE_LENGTH
from apps.users.models import User
from tests.factories.sample_things import SampleThingFactory
from tests.factories.users import UserFactory

URL = "/api/v1/sample_things/"

Headers = dict[str, str]
SignIn = Callable[[User], Headers]


@pytest.fixture
def headers(headers_for: SignIn) -> Headers:
    """The headers of somebody who is signed in."""
    return headers_for(UserFactory.create())


def test_anonymous(client: TestClient) -> None:
    path = f"{URL}{SampleThingFactory.create().id}"
    assert client.get(URL).status_code == 200
    assert client.get(path).status_code == 200
    assert client.post(URL, json={"title": "New"}).status_code == 401
    assert client.patch(path, json={"title": "New"}).status_code == 401
    assert client.delete(path).status_code == 401


def test_create_and_read(client: TestClient, headers: Headers) -> None:
    created = client.post(URL, json={"title": " New "}, headers=headers)
    assert (created.status_code, created.json()["title"]) == (201, "New")
    assert client.get(f"{URL}{created.json()['id']}").json() == created.json()


def test_list_pages_newest_first(
    client: TestClient, max_queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    old, new = SampleThingFactory.create(), SampleThingFactory.create()
    with max_queries(1):
        first = client.get(URL, params={"limit": 1}).json()
    assert [row["id"] for row in first["items"]] == [new.id]
    second = client.get(URL, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [row["id"] for row in second["items"]] == [old.id]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("traits", [{}, {"staff": True}])
def test_owner_and_staff_may_change(
    client: TestClient, headers_for: SignIn, traits: dict[str, bool]
) -> None:
    owner = UserFactory.create()
    path = f"{URL}{SampleThingFactory.create(owner=owner).id}"
    allowed = headers_for(UserFactory.create(**traits) if traits else owner)
    assert client.patch(path, json={}, headers=allowed).status_code == 200
    changed = client.patch(path, json={"title": "Other"}, headers=allowed)
    assert changed.json()["title"] == "Other"
    assert client.delete(path, headers=allowed).status_code == 204
    assert client.get(path).status_code == 404


def test_a_stranger_may_not(client: TestClient, headers: Headers) -> None:
    path = f"{URL}{SampleThingFactory.create(title='Kept').id}"
    assert client.patch(path, json={"title": "Other"}, headers=headers).status_code == 403
    refused = client.delete(path, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_sample_thing_owner")
    assert client.get(path).json()["title"] == "Kept"


def test_missing(client: TestClient) -> None:
    missing = client.get(f"{URL}1000000")
    assert (missing.status_code, missing.json()["code"]) == (404, "sample_thing_not_found")


@pytest.mark.parametrize("title", ["", "  ", "x" * (TITLE_LENGTH + 1), "\x00", None])
def test_bad_titles(client: TestClient, headers: Headers, title: str | None) -> None:
    path = f"{URL}{client.post(URL, json={'title': 'Kept'}, headers=headers).json()['id']}"
    assert client.post(URL, json={"title": title}, headers=headers).status_code == 422
    assert client.patch(path, json={"title": title}, headers=headers).status_code == 422
