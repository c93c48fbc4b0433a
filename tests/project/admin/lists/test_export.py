"""Lists as files: exact, harmless in a spreadsheet, what the viewer may see, and written down."""

import asyncio
import csv
import io
import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.audit.models import Change
from project.admin.lists import export
from project.admin.lists.export import ClientGone, Pipe
from project.admin.lists.plain_files import as_cell, denature, neutralise
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter

ITEMS, ORDERS = "/admin/items-item/export", "/admin/orders-order/export"


def table(client: TestClient, path: str, **sent: Any) -> list[dict[str, str]]:
    response = client.post(path, data={"format": "csv", **sent})
    assert response.status_code == 200, response.text[-500:]
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def entries(session: Session) -> list[dict[str, Any]]:
    session.expire_all()
    found = session.scalars(select(Change).where(Change.action == "export").order_by(Change.id))
    return [{name: after for name, (_, after) in row.changes.items()} for row in found]


def test_csv_is_what_the_list_shows(admin: TestClient, session: Session) -> None:
    at = datetime(2026, 1, 31, 23, 59, 1, 5, tzinfo=UTC)
    ItemFactory.create(name='Äpfel; "x"\n2', price=Decimal("1234.50"), created_at=at)
    item = ItemFactory.create(name="Cheap", price=Decimal(1))
    (row,) = table(admin, ITEMS, back="price__gte=2&sortBy=name&page=3")
    assert row["name"] == 'Äpfel; "x"\n2'
    assert row["price"] == "1234.50"
    assert row["created_at"] == "2026-01-31T23:59:01.000005+00:00"
    assert row["owner"].count("@") == 1
    assert [r["id"] for r in table(admin, ITEMS, pks=str(item.id))] == [str(item.id)]
    told, chosen = entries(session)
    assert (told["rows"], told["complete"], told["format"]) == (1, True, "csv")
    assert told["filters"] == "price__gte=2&sortBy=name&page=3"
    assert chosen["filters"] == "chosen rows"


def test_order_of_the_list(admin: TestClient, session: Session) -> None:
    for price in (2, 3, 1):
        ItemFactory.create(price=Decimal(price))
    found = table(admin, ITEMS, back="sortBy=price&sort=desc", column="price")
    assert [row["price"] for row in found] == ["3.00", "2.00", "1.00"]


def test_json_lines(admin: TestClient, session: Session) -> None:
    order = OrderFactory.create(total=Decimal("0.10"))
    response = admin.post(ORDERS, data={"format": "jsonl", "back": "status=placed"})
    assert response.headers["content-type"].startswith("application/x-ndjson")
    assert ".jsonl" in response.headers["content-disposition"]
    found = json.loads(response.text)
    assert (found["id"], found["total"], found["status"]) == (order.id, "0.10", "placed")
    assert found["user"] == f"{order.user.email} #{order.user_id}"


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "''=x", "'x", "plain", "", "'"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"),
    ],
)
def test_formulas_are_neutralised_and_come_back(text: str) -> None:
    assert denature(neutralise(text)) == text
    assert neutralise(text)[:1] not in {*"=+-@\t\r\uff1d\uff0b\uff0d\uff20"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-5, "-5"),
        (Decimal("-0.50"), "-0.50"),
        (Decimal("1E+3"), "1000"),
        (None, ""),
        (True, "true"),
    ],
)
def test_numbers_stay_numbers(value: Any, cell: str) -> None:
    assert as_cell(value) == cell


def test_mark_for_excel(admin: TestClient, session: Session) -> None:
    ItemFactory.create()
    assert admin.post(ITEMS, data={"format": "csv", "bom": "1"}).content[:3] == b"\xef\xbb\xbf"
    assert admin.post(ITEMS, data={"format": "csv"}).content[:2] == b"id"


def test_many_pieces(admin: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE", 2)
    owners = UserFactory.create_batch(3)
    for number in range(9):
        ItemFactory.create(owner=owners[number % 3])
    found = table(admin, ITEMS, back="sortBy=id")
    assert [row["owner"] for row in found] == [f"{o.email} #{o.id}" for o in owners] * 3
    assert entries(session)[0]["rows"] == 9


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"format": "xlsx"}, 400),
        ({"column": "password_hash"}, 400),
        ({"column": "search"}, 400),
        ({"back": "nothing=1"}, 400),
        ({"back": "price__gte=\0"}, 400),
        ({"pks": "0"}, 200),
        ({"pks": "\0"}, 404),
    ],
)
def test_hostile_input(admin: TestClient, sent: dict[str, str], status: int) -> None:
    assert admin.post(ITEMS, data=sent).status_code == status


def test_page_says_how_many_and_which(admin: TestClient, session: Session) -> None:
    items = ItemFactory.create_batch(3)
    assert "<b>3 items</b>: all that you may see" in admin.get(ITEMS).text
    page = admin.get(ITEMS, params={"back": "search=nothing"})
    assert "with its present filters" in page.text
    sent = {"action": "export_chosen", "pks": [items[0].id, items[1].id]}
    response = admin.post("/admin/items-item/action", data=sent)
    assert "<b>2 items</b>: those that you chose" in admin.get(response.headers["location"]).text


def test_permission_to_export(
    client: TestClient, session: Session, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.project.admin.support import site_of  # noqa: PLC0415 - its only use here

    enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    assert client.post(ITEMS).status_code == 200
    view = next(v for v in site_of(application).model_views() if v.identity == "items-item")
    monkeypatch.setattr(type(view), "export_permission", "change")
    assert client.post(ITEMS).status_code == 403
    assert "Export…" not in client.get("/admin/items-item/list").text
    assert client.post("/admin/users-user/export").status_code == 403


@pytest.mark.anyio
async def test_reader_that_goes_frees_the_thread() -> None:
    pipe, over = Pipe(60), threading.Event()

    def write() -> None:
        try:
            while True:
                pipe.write(b"x")
        except ClientGone:
            over.set()

    work = asyncio.ensure_future(asyncio.to_thread(write))
    stream = export.stream(pipe, work, b"first")
    assert [await anext(stream), await anext(stream)] == [b"first", b"x"]
    await stream.aclose()  # type: ignore[attr-defined]
    await work
    assert over.is_set()


@pytest.mark.anyio
async def test_what_the_thread_raises_is_raised() -> None:
    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await Pipe(60).read(asyncio.ensure_future(fail()))
