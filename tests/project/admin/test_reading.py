import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from apps.items.models import Item
from project.admin.formats import display, shorten
from project.admin.lists import counting
from project.admin.lists.counting import Count
from tests.database import TestDatabase
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import sign_in


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    sign_in(client)
    return client


HOSTILE_IDS = (
    "abc",
    "0",
    "-1",
    "99999999999999",
    "9" * 30,
    "9" * 5000,
    "1%00",
    "%00",
    "1.5",
    "1;2",
)


@pytest.mark.parametrize("page", ["details", "edit"])
@pytest.mark.parametrize("identifier", HOSTILE_IDS)
def test_hostile_id_is_not_found(admin: TestClient, page: str, identifier: str) -> None:
    response = admin.get(f"/admin/items-item/{page}/{identifier}")
    assert response.status_code == 404
    assert "Traceback" not in response.text
    assert admin.post(f"/admin/items-item/edit/{identifier}", data={"name": "x"}).status_code == 404


@pytest.mark.parametrize("identifier", HOSTILE_IDS)
def test_hostile_id_is_not_deleted(admin: TestClient, identifier: str) -> None:
    assert admin.get(f"/admin/items-item/delete?pks={identifier}").status_code == 404
    assert admin.post(f"/admin/items-item/delete?pks={identifier}").status_code == 400


@pytest.mark.parametrize("view", ["nothing", "authsession", "refreshtoken", "%00", "../user"])
def test_unknown_view_is_not_found(admin: TestClient, view: str) -> None:
    assert admin.get(f"/admin/{view}/list").status_code == 404


@pytest.mark.parametrize("view", ["users-user", "items-item"])
@pytest.mark.parametrize(
    "query",
    [
        "search=%00",
        "search=a%00b",
        "search=%25%5F%5C",
        "search='%22%3B--",
        "search=%ff%fe",
        "search=%ed%a0%80",
        "search=" + "x" * 5000,
        "page=0",
        "page=-5",
        "page=99999999999999999999",
        "pageSize=0",
        "pageSize=1000000",
        "sort=sideways",
        "sortBy=id&sort=%00",
        "note=<b>",
        "filter=1&status=bogus",
    ],
)
def test_hostile_query_is_a_list(admin: TestClient, view: str, query: str) -> None:
    ItemFactory.create()
    assert admin.get(f"/admin/{view}/list?{query}").status_code == 200


@pytest.mark.parametrize("query", ["page=x", "pageSize=%00", "sortBy=nothing", "sortBy=owner.id"])
def test_wrong_query_is_a_sentence(admin: TestClient, query: str) -> None:
    response = admin.get(f"/admin/items-item/list?{query}")
    assert response.status_code == 400
    assert "Show all items" in response.text


@pytest.mark.parametrize("name", ["error", "note", "message", "search"])
def test_address_cannot_speak_for_us(admin: TestClient, name: str) -> None:
    said = "Your session expired, call <script>alert(1)</script>"
    page = admin.get("/admin/items-item/list", params={name: said}).text
    assert "<script>alert" not in page
    assert 'role="alert"' not in page
    assert 'role="status"' not in page


def test_text_is_escaped_everywhere(admin: TestClient) -> None:
    evil = "\"><script>alert('x')</script>"
    item = ItemFactory.create(name=evil, description=evil)
    pages = ("list", f"details/{item.id}", f"edit/{item.id}", f"delete?pks={item.id}")
    for page in pages:
        assert "<script>alert" not in admin.get(f"/admin/items-item/{page}").text


def test_pages_of_a_list(admin: TestClient) -> None:
    ItemFactory.create_batch(30)
    first = admin.get("/admin/items-item/list").text
    assert "30 items" in first
    assert 'rel="next"' in first
    assert 'rel="prev"' not in first
    second = admin.get("/admin/items-item/list?page=2").text
    assert 'rel="next"' not in second
    assert second.count('name="pks"') == 5


def test_empty_lists(admin: TestClient) -> None:
    assert "There are no items yet." in admin.get("/admin/items-item/list").text
    assert "Nothing matches this search." in admin.get("/admin/items-item/list?search=x").text
    ItemFactory.create()
    assert "There is nothing on this page." in admin.get("/admin/items-item/list?page=9").text


def test_overview_counts(admin: TestClient) -> None:
    ItemFactory.create_batch(3)
    page = admin.get("/admin/").text
    assert '<span class="tile-count">3</span>' in page
    assert '<span class="tile-count">4</span>' in page


def test_title_names_the_page_and_the_person(admin: TestClient) -> None:
    item = ItemFactory.create(name="Oak table")
    page = admin.get(f"/admin/items-item/edit/{item.id}").text
    assert "<title>Oak table · Lintel admin</title>" in page
    assert "Signed in as user" in page


def test_big_table_is_estimated(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    monkeypatch.setattr(counting, "estimate_rows", lambda *_: 1_000_000)
    ItemFactory.create_batch(30)
    statements.clear()
    assert "about 1,000,000 items" in admin.get("/admin/items-item/list").text
    assert not [s for s in statements if "count(" in s]


def test_counting_ends_somewhere(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "estimate_rows", lambda *_: -1)
    monkeypatch.setattr(counting, "COUNT_LIMIT", 5)
    ItemFactory.create_batch(30)
    assert "more than 5 items" in admin.get("/admin/items-item/list").text


def test_estimate_is_a_round_number(session: Session) -> None:
    session.execute(
        text("UPDATE pg_class SET reltuples = 1234567 WHERE oid = 'items_item'::regclass")
    )
    assert counting.estimate_rows(session, Item) == 1_230_000


def test_count_is_for_people() -> None:
    assert str(Count(1234)) == "1,234"
    assert str(Count(1_000_000, "about")) == "about 1,000,000"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),  # noqa: RUF001 - a dash on purpose
        ("", "–"),  # noqa: RUF001 - the same
        (True, "Yes"),
        (False, "No"),
        (0, "0"),
        (datetime(2026, 11, 22, 22, 3, 38, 977767, UTC), ">22 Nov 2026, 22:03<"),
    ],
)
def test_values_are_for_people(value: object, shown: str) -> None:
    assert shown in display(value)


def test_long_text_is_cut_in_lists() -> None:
    assert shorten("x" * 200).endswith("x…")
    assert len(shorten("x" * 200)) == 80


def test_database_work_stays_off_the_event_loop(
    admin: TestClient, engine_database: TestDatabase
) -> None:
    item = ItemFactory.create()
    threads: set[str] = set()

    def note(*arguments: Any) -> None:
        threads.add(threading.current_thread().name)

    event.listen(engine_database.engine, "before_cursor_execute", note)
    try:
        edit, lists = f"items-item/edit/{item.id}", ("items-item/list?search=x", "users-user/list")
        for page in ("", *lists, edit, "users-user/create"):
            assert admin.get(f"/admin/{page}").status_code == 200
        admin.post(f"/admin/items-item/edit/{item.id}", data={"name": "x", "price": "1"})
        admin.get("/admin/items-item/ajax/lookup?name=owner&term=x")
    finally:
        event.remove(engine_database.engine, "before_cursor_execute", note)
    assert threads
    assert all(name.startswith("database") for name in threads)


def test_other_users_do_not_wait_for_the_database_to_count(
    admin: TestClient, statements: list[str]
) -> None:
    UserFactory.create_batch(3)
    admin.get("/admin/users-user/list")
    assert not [s for s in statements if "count(" in s and "ORDER BY" in s]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data"),
        (b"&".join(b"a%d=1" % n for n in range(2000)), "application/x-www-form-urlencoded"),
        (b"%ff=%fe&%00=%00&name=%ed%a0%80", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
    ],
)
def test_hostile_form_is_refused(admin: TestClient, content: bytes, kind: str) -> None:
    item = ItemFactory.create()
    for page in ("create", f"edit/{item.id}", "delete"):
        response = admin.post(
            f"/admin/items-item/{page}", content=content, headers={"Content-Type": kind}
        )
        assert response.status_code in {303, 400}
    assert admin.post(
        "/admin/login", content=content, headers={"Content-Type": kind}
    ).status_code in {400, 401}
