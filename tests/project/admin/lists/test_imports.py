"""Rows out of files: checked first, all or none, by the rules of the form."""

import csv
import io
import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.audit.models import Change
from apps.items.models import Item
from apps.users.models import User
from project.admin.lists import import_pages, import_reading
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import enter

ITEMS = "/admin/items-item/import"
NO_COLUMN = "\N{EN DASH}"
HEAD = "name,description,price,stock,owner\n"


@pytest.fixture
def owner(client: TestClient, session: Session) -> User:
    user = UserFactory.create(superuser=True, email="root@example.com")
    return enter(client, user)


def check(client: TestClient, data: str | bytes, **sent: str) -> Response:
    return client.post(ITEMS, data={"check": "1", **sent}, files={"file": ("f.csv", data)})


def agree(page: Response) -> dict[str, str]:
    found = re.findall(r'name="(_checked|_expected)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def load(client: TestClient, data: str | bytes) -> Response:
    sent = agree(check(client, data))
    assert sent
    return client.post(ITEMS, data=sent, files={"file": ("f.csv", data)})


def mistakes(page: Response) -> list[tuple[str, ...]]:
    assert page.status_code == 400, page.text[-900:]
    body = page.text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [tuple(map(unescape, re.findall(r"<td[^>]*>(.*?)</td>", row))) for row in rows]


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Item)) or 0


def test_check_writes_nothing_and_the_import_does(
    client: TestClient, session: Session, owner: User
) -> None:
    known = ItemFactory.create(name="Old", price=Decimal(1), owner=owner)
    data = f"id,name,price,stock,owner\n,New,2.50,3,{owner.email}\n{known.id},Old,9,10,{owner.id}\n"
    page = check(client, data)
    assert "<dt>Add</dt><dd>1</dd>" in page.text
    assert "<dt>Change</dt><dd>1</dd>" in page.text
    assert count(session) == 1
    assert session.scalars(select(Change)).all() == []
    response = load(client, data)
    assert response.headers["location"] == "/admin/items-item/list"
    assert "Import: 1 added, 1 changed." in client.get(response.headers["location"]).text
    session.expire_all()
    new = session.scalars(select(Item).where(Item.name == "New")).one()
    assert (new.price, new.stock, new.owner_id) == (Decimal("2.50"), 3, owner.id)
    assert known.price == Decimal(9)
    told = session.scalars(select(Change).order_by(Change.id)).all()
    assert [entry.action for entry in told] == ["add", "change", "import"]
    assert told[0].changes["owner"] == [None, f"{owner.email} #{owner.id}"]
    assert told[1].changes == {"price": ["1.00", "9.00"]}
    assert told[2].changes == {"added": [None, 1], "changed": [None, 1]}


def test_what_was_exported_comes_back_the_same(
    client: TestClient, session: Session, owner: User
) -> None:
    ItemFactory.create(name="=1+1", price=Decimal("1.10"))
    ItemFactory.create(name="'=x", price=Decimal("-0"))
    for kind in ("csv", "jsonl"):
        data = client.post("/admin/items-item/export", data={"format": kind, "bom": "1"}).content
        page = check(client, data)
        assert page.status_code == 200, mistakes(page)
        assert "<dt>Leave as it is</dt><dd>2</dd>" in page.text
        assert "Not written, because no form has them: created_at." in page.text


def test_mistakes_by_row_and_column(client: TestClient, session: Session, owner: User) -> None:
    rows = [
        f"Good,,1,1,{owner.email}",
        f",,x,-1,{owner.email}",
        "Lamp,,1.005,1,nobody@example.com",
        f"=cmd,,1,1,{owner.email}",
    ]
    page = check(client, HEAD + "\n".join(rows))
    assert [(line, column) for line, column, _ in mistakes(page)] == [
        ("3", "name"),
        ("3", "price"),
        ("3", "stock"),
        ("4", "price"),
        ("4", "owner"),
        ("5", "name"),
    ]
    assert "Only the first" not in page.text
    assert agree(page) == {}
    sent = {"_checked": "0" * 64, "_expected": "1-0"}
    files = {"file": ("f.csv", (HEAD + "\n".join(rows)).encode())}
    assert client.post(ITEMS, data=sent, files=files).status_code == 400
    assert count(session) == 0


def test_mistakes_of_all_kinds_stand_in_the_order_of_the_file(
    client: TestClient, session: Session, owner: User
) -> None:
    known = ItemFactory.create()
    rule = "ALTER TABLE items_item ADD CONSTRAINT cheap CHECK (price < 1000)"  # no form knows it
    session.connection().exec_driver_sql(rule)
    session.commit()
    rows = [
        f"{known.id},Lamp,5000,1",  # refused by the database, and so found last
        f"{known.id},Lamp,1,1",
        "only one",
        "0,Lamp,1,1",
        ",,x,x",
        ",Lamp,1,1,",
    ]
    page = check(client, "id,name,price,stock\n" + "\n".join(rows))
    found = mistakes(page)
    assert [(line, column) for line, column, _ in found] == [
        *(("2", NO_COLUMN), ("3", "id"), ("4", NO_COLUMN), ("5", "id")),
        *(("6", "name"), ("6", "price"), ("6", "stock"), ("6", "owner"), ("7", NO_COLUMN)),
    ]
    assert found[2][2] == "This row has 1 cell, the first line has 4."
    assert found[5][2] == "Write a number, such as 12.50."  # and nothing else of the same cell


def test_rule_of_the_database_names_the_row(
    client: TestClient, session: Session, owner: User
) -> None:
    rows = [f"Lamp {n},,1,{-1 if n == 7 else 1},{owner.email}" for n in range(20)]
    ((line, column, _),) = mistakes(check(client, HEAD + "\n".join(rows)))
    assert (line, column) == ("9", "stock")


def test_every_row_that_the_database_refuses_is_named(
    client: TestClient, session: Session, owner: User
) -> None:
    rule = "ALTER TABLE items_item ADD CONSTRAINT cheap CHECK (price < 1000)"  # no form knows it
    session.connection().exec_driver_sql(rule)
    session.commit()
    bad = {3, 4, 11, 40}
    rows = [f"Lamp {n},,{5000 if n in bad else 1},1,{owner.email}" for n in range(60)]
    page = check(client, HEAD + "\n".join(rows))
    assert {int(line) for line, *_ in mistakes(page)} == {n + 2 for n in bad}
    assert "4 mistakes: nothing can be imported" in page.text
    everything = check(client, HEAD + f"Lamp,,5000,1,{owner.email}\n" * 200)
    assert "At least 50 mistakes" in everything.text


def test_line_ends_within_quotes_are_no_rows(
    client: TestClient, session: Session, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_reading, "MOST_ROWS", 2)
    tall = f'"A\nB\nC","x\n\ny",1,1,{owner.email}\n'
    assert check(client, HEAD + tall * 2).status_code == 200
    ((line, column, _),) = mistakes(check(client, f"{HEAD}{tall}Lamp,,x,1,{owner.email}\n"))
    assert (line, column) == ("7", "price")  # where an editor shows it
    assert "more than 2 rows" in check(client, HEAD + tall * 3).text


def test_only_the_first_mistakes_are_shown(
    client: TestClient, session: Session, owner: User
) -> None:
    page = check(client, HEAD + f"Lamp,,x,1,{owner.email}\n" * 60)
    assert len(mistakes(page)) == 50
    assert "60 mistakes: nothing can be imported" in page.text


def test_another_file_is_checked_instead(client: TestClient, session: Session, owner: User) -> None:
    first, second = (f"{HEAD}{name},,1,1,{owner.email}\n" for name in ("A", "B"))
    sent = agree(check(client, first))
    page = client.post(ITEMS, data=sent, files={"file": ("f.csv", second.encode())})
    assert page.status_code == 409
    assert "not the file that was checked" in page.text
    assert count(session) == 0


def test_other_data_than_at_the_check(client: TestClient, session: Session, owner: User) -> None:
    item = ItemFactory.create(price=Decimal(1))
    data = f"id,price\n{item.id},2\n"
    sent = agree(check(client, data))
    item.price = Decimal(2)
    session.commit()
    page = client.post(ITEMS, data=sent, files={"file": ("f.csv", data.encode())})
    assert page.status_code == 409
    assert "The data has changed since the check" in page.text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "has to name the columns"),
        (HEAD.encode(), "There are no rows"),
        (b"name,price\n\xff\xfe,1\n", "Line 2 is not UTF-8"),
        (b"name,price\nLamp\0,1\n", "Line 2 holds a character that cannot be stored"),
        (b"name,name\nA,B\n", "Columns are there twice: name"),
        (b"name,colour\nA,red\n", "There are no columns 'colour'"),
        (b"name,password_hash\nA,x\n", "There are no columns 'password_hash'"),
        (b'name,price\nB,2\n"A,1\nC,3\n', "Line 3 is not CSV: look for a quotation mark"),
    ],
)
def test_file_that_cannot_be_read(
    client: TestClient, session: Session, owner: User, data: bytes, sentence: str
) -> None:
    page = check(client, data)
    assert page.status_code == 422
    assert sentence in unescape(page.text)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[1]", "This is no JSON object."),
        ('{"name": "A", "name": "B"}', "This is no JSON object, or names a field twice."),
        ('{"name": ' + "[" * 9999, "This is no JSON object, or names a field twice."),
    ],
)
def test_line_that_is_no_object_stands_beside_the_others(
    client: TestClient, session: Session, owner: User, line: str, sentence: str
) -> None:
    page = check(client, f'{{"name": ""}}\n\n{line}\n')
    assert ("1", "name") in {wrong[:2] for wrong in mistakes(page)}
    assert mistakes(page)[-1] == ("3", NO_COLUMN, sentence)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("0,1", "There is no item like this."),
        ("x,1", "Write a whole number"),
        ("9" * 30 + ",1", "Write a whole number"),
    ],
)
def test_key_that_is_nobodys(
    client: TestClient, session: Session, owner: User, row: str, wrong: str
) -> None:
    ((_, column, sentence),) = mistakes(check(client, f"id,price\n{row}\n"))
    assert column == "id"
    assert sentence


def test_too_many_columns(client: TestClient, session: Session, owner: User) -> None:
    page = check(client, ",".join(f"c{number}" for number in range(20_000)) + "\n")
    assert page.status_code in {400, 422}
    assert "more than 500 columns" in page.text


def test_key_twice(client: TestClient, session: Session, owner: User) -> None:
    item = ItemFactory.create()
    ((line, *_),) = mistakes(check(client, f"id,price\n{item.id},1\n{item.id},2\n"))
    assert line == "3"


def test_too_large(
    client: TestClient, session: Session, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = f"Lamp,{'x' * 4000},1,1,{owner.email}\n"
    assert check(client, HEAD + row * 400).status_code == 200  # more than other bodies may have
    monkeypatch.setattr(import_pages, "LARGEST", 100_000)
    assert check(client, HEAD + row * 400).status_code == 413
    monkeypatch.setattr(import_reading, "MOST_ROWS", 10)
    assert "more than 10 rows" in check(client, HEAD + row * 12).text


def test_form_without_a_file(client: TestClient, session: Session, owner: User) -> None:
    assert client.post(ITEMS, data={"check": "1"}).status_code == 400
    assert client.post(ITEMS, data={"check": "1"}, files={"file": ("", b"")}).status_code == 400
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(ITEMS, data={"check": "1"}, headers=headers).status_code == 403


def test_many_rows_take_few_statements(
    client: TestClient, session: Session, owner: User, statements: list[str]
) -> None:
    data = io.StringIO()
    writer = csv.writer(data)
    writer.writerow(["name", "price", "stock", "owner"])
    writer.writerows([f"Lamp {n}", "1.50", n, owner.email] for n in range(400))
    sent: dict[str, Any] = agree(check(client, data.getvalue()))
    statements.clear()
    files = {"file": ("f.csv", data.getvalue())}
    assert client.post(ITEMS, data=sent, files=files).status_code == 303
    assert count(session) == 400
    assert len(statements) < 20
