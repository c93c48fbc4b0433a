"""The catalogue over HTTP."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.users.models import User
from tests.conftest import QueryBudget
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory, grant

ITEMS = "/api/v1/items/"
SignIn = Callable[[User], dict[str, str]]

NEW = {"name": "Stoneware mug", "price": "18.50", "stock": 3}


def forge_cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


class TestList:
    def test_anonymous_may_look(self, client: TestClient) -> None:
        item = ItemFactory(price=Decimal("9.5"))
        answer = client.get(ITEMS)
        assert answer.status_code == 200
        assert answer.json() == {"items": [read(client, item.id)], "next_cursor": None}

    @pytest.mark.parametrize(
        ("query", "most"), [({}, 1), ({"sort": "price", "in_stock": "true"}, 1), ({"q": "mug"}, 3)]
    )
    def test_budget(
        self, client: TestClient, max_queries: QueryBudget, query: dict[str, str], most: int
    ) -> None:
        ItemFactory.create_batch(5)
        with max_queries(most):
            assert client.get(ITEMS, params=query).status_code == 200

    def test_newest_first(self, client: TestClient) -> None:
        older, newer = ItemFactory(), ItemFactory()
        assert ids(client.get(ITEMS)) == [newer.id, older.id]

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"sort": "price"}, "cab"),
            ({"sort": "-price"}, "bac"),
            ({"sort": "name"}, "abc"),
            ({"sort": "-name"}, "cba"),
            ({"sort": "created_at"}, "abc"),
            ({"sort": "name", "min_price": "2"}, "ab"),
            ({"sort": "name", "max_price": "2.00"}, "ac"),
            ({"sort": "name", "in_stock": "true"}, "bc"),
            ({"sort": "name", "in_stock": "false"}, "a"),
            ({"sort": "name", "q": "b"}, "b"),
            ({"sort": "name", "q": "b", "in_stock": "false"}, ""),
            ({"sort": "name", "q": " "}, "abc"),
            ({"sort": "name", "q": "!?"}, ""),
        ],
    )
    def test_sorts_and_filters(self, client: TestClient, query: dict[str, str], names: str) -> None:
        for name, price, stock in (("a", 2, 0), ("b", 3, 1), ("c", 1, 1)):
            ItemFactory(name=name, price=Decimal(price), stock=stock)
        answer = client.get(ITEMS, params=query)
        assert "".join(item["name"] for item in answer.json()["items"]) == names

    def test_by_owner(self, client: TestClient) -> None:
        mine, _ = ItemFactory(), ItemFactory()
        assert ids(client.get(ITEMS, params={"owner": mine.owner_id})) == [mine.id]

    def test_a_page_leads_to_the_next(self, client: TestClient) -> None:
        ItemFactory.create_batch(3)
        first = client.get(ITEMS, params={"limit": 2})
        second = client.get(ITEMS, params={"limit": 2, "cursor": first.json()["next_cursor"]})
        assert len({*ids(first), *ids(second)}) == 3
        assert second.json()["next_cursor"] is None

    @pytest.mark.parametrize(
        "query",
        [
            {"sort": "stock"},
            {"limit": "0"},
            {"limit": "101"},
            {"limit": "many"},
            {"q": "x" * 201},
            {"q": "a\x00b"},
            {"min_price": "NaN"},
            {"max_price": "-1"},
            {"max_price": "1e400"},
            {"owner": str(2**63)},
            {"owner": "0"},
            {"cursor": "?"},
            {"cursor": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
            {"cursor": "x" * 5000},
            {"cursor": forge_cursor("price", "1.00", 1)},
            {"cursor": forge_cursor("-created_at", "2026-01-01T00:00:00+00:00")},
            {"cursor": forge_cursor("-created_at", "2026-01-01T00:00:00", 1)},
            {"cursor": forge_cursor("-created_at", "0001-01-01T00:00:00+23:59", 1)},
            {"cursor": forge_cursor("-created_at", "2026-01-01T00:00:00+00:00", True)},
            {"cursor": forge_cursor("-created_at", "2026-01-01T00:00:00+00:00", 2**63)},
            {"cursor": forge_cursor("price", "NaN", 1), "sort": "price"},
            {"cursor": forge_cursor("price", "1e999999", 1), "sort": "price"},
            {"cursor": forge_cursor("name", "a\x00", 1), "sort": "name"},
            {"cursor": forge_cursor("name", "\ud800", 1), "sort": "name"},
            {"cursor": forge_cursor("name", None, 1), "sort": "name"},
        ],
    )
    @pytest.mark.parametrize("words", [{}, {"q": "lamp"}])
    def test_hostile_queries(
        self, client: TestClient, query: dict[str, str], words: dict[str, str]
    ) -> None:
        answer = client.get(ITEMS, params={**words, **query})
        assert_problem(answer, 422)

    @pytest.mark.parametrize(
        "words", ["'", "\\", "a' | 'b", ":*", "!a", "(", "a & ", '"a b', "%", "🙂", "\x01", "a<->b"]
    )
    def test_hostile_words_are_only_words(self, client: TestClient, words: str) -> None:
        assert client.get(ITEMS, params={"q": words}).status_code == 200


class TestRead:
    def test_anonymous_may_look(self, client: TestClient) -> None:
        item = ItemFactory(name="Mug", description="Blue", price=Decimal("18.5"), stock=3)
        found = read(client, item.id)
        assert found.pop("created_at").endswith("Z")
        assert found.pop("updated_at").endswith("Z")
        assert found == {
            "id": item.id,
            "name": "Mug",
            "description": "Blue",
            "price": "18.50",
            "stock": 3,
            "owner_id": item.owner_id,
            "image": None,
        }

    @pytest.mark.parametrize(
        ("key", "status"), [("1", 404), ("0", 422), (2**63 - 1, 404), (2**63, 422), ("x", 422)]
    )
    def test_ids_that_are_none(self, client: TestClient, key: str, status: int) -> None:
        assert_problem(client.get(f"{ITEMS}{key}"), status)


class TestCreate:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.post(ITEMS, json=NEW), 401)

    def test_belongs_to_whoever_creates_it(self, client: TestClient, headers_for: SignIn) -> None:
        user = UserFactory()
        answer = client.post(ITEMS, json=NEW, headers=headers_for(user))
        created = answer.json()
        assert (answer.status_code, created["owner_id"]) == (201, user.id)
        assert (created["price"], created["stock"], created["description"]) == ("18.50", 3, "")
        assert read(client, created["id"]) == created

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"name": "  "},
            {"name": "x" * 201},
            {"name": "a\x00"},
            {"name": "\ud800"},
            {"name": None},
            {"description": "x" * 5001},
            {"price": "-0.01"},
            {"price": "1.001"},
            {"price": "10000000000.00"},
            {"price": "NaN"},
            {"price": "Infinity"},
            {"price": None},
            {"stock": -1},
            {"stock": 2**31},
            {"stock": 1.5},
        ],
    )
    def test_hostile_values(
        self, client: TestClient, headers_for: SignIn, change: dict[str, Any]
    ) -> None:
        body = json.dumps({**NEW, **change})
        headers = {**headers_for(UserFactory()), "Content-Type": "application/json"}
        assert_problem(client.post(ITEMS, content=body, headers=headers), 422)

    @pytest.mark.parametrize(
        "body", ["", "{", "[]", '{"name": "a", "price": NaN}', '{"name": "a", "price": 1e999}']
    )
    def test_malformed_bodies(self, client: TestClient, headers_for: SignIn, body: str) -> None:
        headers = {**headers_for(UserFactory()), "Content-Type": "application/json"}
        assert_problem(client.post(ITEMS, content=body, headers=headers), 422)


class TestUpdate:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.patch(f"{ITEMS}{ItemFactory().id}", json={"stock": 1}), 401)

    def test_strangers_may_not(self, client: TestClient, headers_for: SignIn) -> None:
        item, headers = ItemFactory(), headers_for(UserFactory())
        answer = client.patch(f"{ITEMS}{item.id}", json={"stock": 1}, headers=headers)
        assert_problem(answer, 403, code="not_item_owner")

    def test_owners_may(self, client: TestClient, headers_for: SignIn, session: Session) -> None:
        item = ItemFactory(name="Mug", stock=3)
        answer = client.patch(
            f"{ITEMS}{item.id}", json={"stock": 2, "price": "5"}, headers=headers_for(item.owner)
        )
        assert answer.status_code == 200
        assert answer.json() == read(client, item.id)
        session.refresh(item)
        assert (item.name, item.stock, item.price) == ("Mug", 2, Decimal("5.00"))

    def test_staff_may(self, client: TestClient, headers_for: SignIn) -> None:
        item, headers = ItemFactory(), headers_for(UserFactory(staff=True))
        answer = client.patch(f"{ITEMS}{item.id}", json={"stock": 1}, headers=headers)
        assert answer.json()["stock"] == 1

    def test_holders_of_the_permission_may(self, client: TestClient, headers_for: SignIn) -> None:
        item, headers = ItemFactory(), headers_for(grant(UserFactory(), "items.change_item"))
        path = f"{ITEMS}{item.id}"
        assert client.patch(path, json={"stock": 1}, headers=headers).status_code == 200
        assert_problem(client.delete(path, headers=headers), 403, code="not_item_owner")

    @pytest.mark.parametrize("field", ["name", "description", "price", "stock"])
    def test_nothing_becomes_null(
        self, client: TestClient, headers_for: SignIn, field: str
    ) -> None:
        item = ItemFactory()
        answer = client.patch(
            f"{ITEMS}{item.id}", json={field: None}, headers=headers_for(item.owner)
        )
        assert_problem(answer, 422)

    def test_nothing_to_change(self, client: TestClient, headers_for: SignIn) -> None:
        item = ItemFactory()
        before = read(client, item.id)
        answer = client.patch(f"{ITEMS}{item.id}", json={}, headers=headers_for(item.owner))
        assert answer.json() == before

    def test_missing(self, client: TestClient, headers_for: SignIn) -> None:
        headers = headers_for(UserFactory())
        assert_problem(client.patch(f"{ITEMS}1", json={}, headers=headers), 404)


class TestDelete:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.delete(f"{ITEMS}{ItemFactory().id}"), 401)

    def test_strangers_may_not(self, client: TestClient, headers_for: SignIn) -> None:
        item, headers = ItemFactory(), headers_for(UserFactory())
        assert_problem(client.delete(f"{ITEMS}{item.id}", headers=headers), 403)

    def test_staff_and_holders_of_the_permission_may(
        self, client: TestClient, headers_for: SignIn
    ) -> None:
        for user in (UserFactory(staff=True), grant(UserFactory(), "items.delete_item")):
            answer = client.delete(f"{ITEMS}{ItemFactory().id}", headers=headers_for(user))
            assert answer.status_code == 204

    def test_owners_may(self, client: TestClient, headers_for: SignIn) -> None:
        item = ItemFactory()
        answer = client.delete(f"{ITEMS}{item.id}", headers=headers_for(item.owner))
        assert (answer.status_code, answer.content) == (204, b"")
        assert_problem(client.get(f"{ITEMS}{item.id}"), 404, code="item_not_found")


def read(client: TestClient, item_id: int) -> Any:
    answer = client.get(f"{ITEMS}{item_id}")
    assert answer.status_code == 200
    return answer.json()


def ids(answer: Any) -> list[int]:
    return [item["id"] for item in answer.json()["items"]]


def assert_problem(answer: Any, status: int, *, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code
