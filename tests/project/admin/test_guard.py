import pytest
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from apps.items.models import Item
from project.admin.lists import editing
from project.admin.pages import FORM_LIMIT
from project.web.gate import LaneFull
from tests.factories.items import ItemFactory
from tests.project.admin.support import sign_in

OTHERS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver:8001"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[broken"},
    {"Referer": "https://evil.example/page"},
]
OWN = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://testserver"},
    {"Referer": "http://testserver/admin/"},
    {},
]


@pytest.mark.parametrize("headers", OTHERS)
def test_write_of_another_site_is_refused(
    client: TestClient, session: Session, headers: dict[str, str]
) -> None:
    sign_in(client)
    item = ItemFactory.create()
    response = client.post("/admin/items-item/delete", data={"pks": str(item.id)}, headers=headers)
    assert response.status_code == 403
    assert session.scalar(select(func.count()).select_from(Item)) == 1


@pytest.mark.parametrize("headers", OWN)
def test_own_write_goes_through(
    client: TestClient, session: Session, headers: dict[str, str]
) -> None:
    sign_in(client)
    item = ItemFactory.create()
    response = client.post("/admin/items-item/delete", data={"pks": str(item.id)}, headers=headers)
    assert response.status_code == 303
    assert session.scalar(select(func.count()).select_from(Item)) == 0


@pytest.mark.parametrize(
    "path", ["/admin/login", "/admin/items-item/create", "/admin/items-item/delete"]
)
def test_forms_have_few_fields_and_no_files(
    client: TestClient, session: Session, path: str
) -> None:
    sign_in(client)
    item = ItemFactory.create()
    pks = {"pks": [str(item.id)] * (FORM_LIMIT + 1)}
    files: dict[str, bytes] = {"pks": str(item.id).encode(), "file": b"x"}
    assert client.post(path, data=pks).status_code == 400
    assert client.post(path, files=files).status_code == 400
    assert session.scalar(select(func.count()).select_from(Item)) == 1


@pytest.mark.parametrize("path", ["/admin/login", "/admin/logout", "/admin/items-item/create"])
def test_every_route_is_guarded(client: TestClient, path: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "path", ["/admin/login", "/admin/", "/admin/nowhere", "/admin/items-item/list"]
)
def test_pages_are_neither_framed_nor_kept(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_files_of_the_admin_may_be_kept(client: TestClient) -> None:
    page = client.get("/admin/login").text
    address = page[page.index("/static/admin/admin.css") :].partition('"')[0]
    assert "immutable" in client.get(address).headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/admin/item/1/name/download/",
        "/admin/item/1/name/preview/",
        "/admin/items-item/export/csv",
    ],
)
def test_what_reads_files_or_whole_tables_is_gone(client: TestClient, path: str) -> None:
    sign_in(client)
    item = ItemFactory.create(name=".env")
    assert client.get(path.replace("/1/", f"/{item.id}/")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_changes_nothing(client: TestClient, session: Session, method: str) -> None:
    sign_in(client)
    item = ItemFactory.create()
    client.request(method, f"/admin/items-item/delete?pks={item.id}")
    client.request(method, "/admin/logout")
    assert client.get("/admin/").status_code == 200
    assert session.scalar(select(func.count()).select_from(Item)) == 1


def test_unforeseen_error_says_nothing(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("SELECT password_hash")

    sign_in(client)
    monkeypatch.setattr(editing, "fetch_list", fail)
    response = client.get("/admin/items-item/list", headers={"Accept": "text/html"})
    assert response.status_code == 500
    assert "password_hash" not in response.text
    assert "Traceback" not in response.text


def test_database_error_is_a_sentence(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(session: Session, *arguments: object) -> None:
        session.execute(text("SELECT secret FROM nowhere_to_be_found"))

    sign_in(client)
    monkeypatch.setattr(editing, "fetch_list", fail)
    response = client.get("/admin/items-item/list", headers={"Accept": "text/html"})
    assert response.status_code == 500
    assert "nowhere_to_be_found" not in response.text


def test_busy_database_asks_to_come_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise LaneFull

    sign_in(client)
    monkeypatch.setattr(editing, "fetch_list", fail)
    response = client.get("/admin/items-item/list")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


def test_log_line_carries_the_route_template(client: TestClient) -> None:
    routes: list[object] = []
    sink = logger.add(lambda message: routes.append(message.record["extra"].get("route")))
    try:
        client.get("/admin/items-item/edit/1")
    finally:
        logger.remove(sink)
    assert "/admin/{identity}/edit/{pk}" in routes
