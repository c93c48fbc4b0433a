"""ETags of items: unchanged reads are a 304, stale writes a 412, and no update is lost."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import User
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory

ITEMS = "/api/v1/items/"
NEW = {"name": "Stoneware mug", "price": "18.5", "stock": 3}
SignIn = Callable[[User], dict[str, str]]


@pytest.fixture
def item() -> Item:
    made: Item = ItemFactory(stock=3)
    return made


def etag(client: TestClient, item: Item) -> str:
    return str(client.get(f"{ITEMS}{item.id}").headers["ETag"])


class TestRead:
    def test_anonymous_with_the_version(self, client: TestClient, item: Item) -> None:
        known = {"If-None-Match": etag(client, item)}
        answer = client.get(f"{ITEMS}{item.id}", headers=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == known["If-None-Match"]
        assert not {"content-length", "content-type"} & set(answer.headers)

    @pytest.mark.parametrize(
        "change", [{"name": "Jug"}, {"description": "New"}, {"price": "1.00"}, {"stock": 4}]
    )
    def test_every_change_is_seen(
        self, client: TestClient, session: Session, item: Item, change: dict[str, Any]
    ) -> None:
        before = etag(client, item)
        for name, value in change.items():
            setattr(item, name, type(getattr(item, name))(value))
        session.commit()
        assert client.get(f"{ITEMS}{item.id}", headers={"If-None-Match": before}).is_success
        assert etag(client, item) != before

    def test_costs_no_query_more(
        self, client: TestClient, item: Item, statements: list[str]
    ) -> None:
        statements.clear()
        etag(client, item)
        assert len(statements) == 1

    def test_missing(self, client: TestClient) -> None:
        assert client.get(f"{ITEMS}1", headers={"If-None-Match": "*"}).status_code == 404


class TestWrite:
    def test_answers_carry_the_new_version(self, client: TestClient, headers_for: SignIn) -> None:
        headers = headers_for(UserFactory())
        created = client.post(ITEMS, json=NEW, headers=headers)
        address = f"{ITEMS}{created.json()['id']}"
        assert created.headers["ETag"] == client.get(address).headers["ETag"]
        changed = client.patch(address, json={"price": "5"}, headers=headers)
        assert changed.headers["ETag"] == client.get(address).headers["ETag"]
        assert changed.headers["ETag"] != created.headers["ETag"]

    def test_fresh(self, client: TestClient, headers_for: SignIn, item: Item) -> None:
        headers = {**headers_for(item.owner), "If-Match": etag(client, item)}
        answer = client.patch(f"{ITEMS}{item.id}", json={"stock": 2}, headers=headers)
        assert (answer.status_code, answer.json()["stock"]) == (200, 2)

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_stale(self, client: TestClient, headers_for: SignIn, item: Item, method: str) -> None:
        owner = headers_for(item.owner)
        stale = {**owner, "If-Match": etag(client, item)}
        client.patch(f"{ITEMS}{item.id}", json={"stock": 9}, headers=owner)
        body = {"stock": 1} if method == "PATCH" else None
        answer = client.request(method, f"{ITEMS}{item.id}", headers=stale, json=body)
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert client.get(f"{ITEMS}{item.id}").json()["stock"] == 9

    def test_stale_costs_no_query_more(
        self, client: TestClient, headers_for: SignIn, item: Item, statements: list[str]
    ) -> None:
        stale = {**headers_for(item.owner), "If-Match": '"stale"'}
        statements.clear()
        assert client.delete(f"{ITEMS}{item.id}", headers=stale).status_code == 412
        assert len(statements) == 3  # who asks, the locked row, its picture

    def test_fresh_deletion(self, client: TestClient, headers_for: SignIn, item: Item) -> None:
        headers = {**headers_for(item.owner), "If-Match": etag(client, item)}
        assert client.delete(f"{ITEMS}{item.id}", headers=headers).status_code == 204

    def test_strangers_learn_nothing(
        self, client: TestClient, headers_for: SignIn, item: Item
    ) -> None:
        for version in (etag(client, item), '"stale"'):
            headers = {**headers_for(UserFactory()), "If-Match": version}
            assert client.delete(f"{ITEMS}{item.id}", headers=headers).status_code == 403


@pytest.mark.committed
@pytest.mark.anyio
@pytest.mark.parametrize("writers", [2, 50])
async def test_one_winner_for_each_version(
    async_client: AsyncClient, headers_for: SignIn, session: Session, writers: int
) -> None:
    """All read the same version and write at once; whoever lost reads again and wins later."""
    item = ItemFactory(stock=0)
    address, owner = f"{ITEMS}{item.id}", headers_for(item.owner)
    for round_ in range(3):
        read = await async_client.get(address)
        headers = {**owner, "If-Match": read.headers["ETag"]}
        change = {"stock": read.json()["stock"] + 1}
        writes = (async_client.patch(address, json=change, headers=headers) for _ in range(writers))
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*writes))
        assert statuses == [200] + [412] * (writers - 1), round_
    session.refresh(item)
    assert item.stock == 3


@pytest.mark.committed
@pytest.mark.anyio
async def test_no_update_is_lost(
    async_client: AsyncClient, headers_for: SignIn, session: Session
) -> None:
    """Twelve clients each add one, reading again after every 412."""
    item = ItemFactory(stock=0)
    address, owner = f"{ITEMS}{item.id}", headers_for(item.owner)

    async def add_one() -> None:
        status = 412
        while status == 412:
            read = await async_client.get(address)
            headers = {**owner, "If-Match": read.headers["ETag"]}
            change = {"stock": read.json()["stock"] + 1}
            status = (await async_client.patch(address, json=change, headers=headers)).status_code
        assert status == 200

    await asyncio.gather(*(add_one() for _ in range(12)))
    session.refresh(item)
    assert item.stock == 12


def test_documented(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    read, write, remove = (paths[f"{ITEMS}{{item_id}}"][m] for m in ("get", "patch", "delete"))
    assert "ETag" in read["responses"]["200"]["headers"]
    assert "ETag" in read["responses"]["304"]["headers"]
    assert "ETag" in write["responses"]["200"]["headers"]
    assert "ETag" in paths[ITEMS]["post"]["responses"]["201"]["headers"]
    assert {"412"} <= set(write["responses"]) & set(remove["responses"])
    names = [{p["name"] for p in operation["parameters"]} for operation in (read, write, remove)]
    assert ["if-none-match" in names[0], *("if-match" in n for n in names[1:])] == [True] * 3
