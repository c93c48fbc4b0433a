"""Pages of history: of a row, of one that is gone, of what somebody did last."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Select
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import User
from project.admin.history.reading import line_of
from project.admin.site import AdminSite
from project.admin.views import ModelAdmin
from project.application import create_application
from project.runtime import Runtime
from project.settings import INSTALLED_APPS, Settings
from project.web.principal import Principal
from tests.database import TestDatabase
from tests.factories.audit import ChangeFactory
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter, shown_form
from tests.project.admin.workshop import SHOP


@pytest.fixture
def actor(client: TestClient) -> User:
    return enter(client, UserFactory.create(superuser=True, email="ada@example.com"))


def rename(client: TestClient, item: Item, name: str) -> None:
    path = f"/admin/items-item/edit/{item.id}"
    assert client.post(path, data=shown_form(client.get(path)) | {"name": name}).status_code == 303


def test_who_when_what(client: TestClient, actor: User) -> None:
    item = ItemFactory.create(name="<b>Old</b>")
    rename(client, item, "New")
    for page in ("details", "edit"):
        link = f'href="/admin/items-item/history/{item.id}"'
        assert link in client.get(f"/admin/items-item/{page}/{item.id}").text
    answer = client.get(f"/admin/items-item/history/{item.id}")
    assert answer.status_code == 200
    for shown in ("ada@example.com", "&lt;b&gt;Old&lt;/b&gt;", "New</ins>", "Changed", "Request"):
        assert shown in answer.text
    assert "<b>Old</b>" not in answer.text


def test_newest_first_in_pages(client: TestClient, actor: User) -> None:
    item = ItemFactory.create()
    for number in range(45):
        changes = {"name": [f"name {number}", f"name {number + 1}"]}
        ChangeFactory.create(model="items.item", object_id=str(item.id), changes=changes)
    path, seen = f"/admin/items-item/history/{item.id}", []
    page = client.get(path)
    while True:
        seen.append(page.text.count('class="card event"'))
        if 'rel="next"' not in page.text:
            break
        page = client.get(path + page.text.split('rel="next" href="')[1].split('"')[0])
    assert seen == [20, 20, 5]
    assert "name 45" in client.get(path).text
    assert "name 0<" in page.text


def test_what_is_deleted_keeps_its_history(client: TestClient, actor: User) -> None:
    item = ItemFactory.create(name="Hook", price=Decimal("4.50"))
    client.post("/admin/items-item/delete", data={"pks": str(item.id)})
    page = client.get(f"/admin/items-item/history/{item.id}").text
    assert "History of Hook" in page
    assert "This is deleted." in page
    assert "4.50" in page
    assert f"/admin/items-item/edit/{item.id}" not in page


def test_a_row_without_history_says_so(client: TestClient, actor: User) -> None:
    item = ItemFactory.create()
    page = client.get(f"/admin/items-item/history/{item.id}").text
    assert "Nothing is recorded" in page


@pytest.mark.parametrize("identifier", ["0", "abc", "9" * 30, "1%00", "1;2", "1/2"])
def test_what_never_was_has_none(client: TestClient, actor: User, identifier: str) -> None:
    assert client.get(f"/admin/items-item/history/{identifier}").status_code == 404


@pytest.mark.parametrize(
    ("before", "status"),
    [("x", 400), ("-1", 400), ("%00", 400), ("9" * 19, 200), ("9" * 30, 400), ("٣", 400)],
)
def test_hostile_page(client: TestClient, actor: User, before: str, status: int) -> None:
    item = ItemFactory.create()
    path = f"/admin/items-item/history/{item.id}?before={before}"
    assert client.get(path).status_code == status


def test_own_changes_on_the_overview(client: TestClient, actor: User) -> None:
    item = ItemFactory.create(name="Mine")
    rename(client, item, "Mine, renamed")
    clerk = grant(UserFactory.create(staff=True), "items.change_item")
    enter(client, clerk)
    rename(client, ItemFactory.create(), "Hers")
    page = client.get("/admin/").text
    assert "Your recent changes" in page
    assert "Hers" in page
    assert "Mine" not in page
    enter(client, actor)
    page = client.get("/admin/").text
    assert "Recent changes" in page
    assert clerk.email in page
    assert f'href="/admin/items-item/history/{item.id}"' in page


def test_recent_changes_of_what_one_may_see_no_more(client: TestClient, session: Session) -> None:
    clerk = enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    ChangeFactory.create(actor_id=clerk.id, model="users.user", object_label="Grace")
    assert "Grace" not in client.get("/admin/").text


def test_a_column_that_no_page_shows_is_for_superusers(client: TestClient, actor: User) -> None:
    user = UserFactory.create()
    changes = {"verified_email": [None, "hidden@example.com"], "email": ["a", "b"]}
    ChangeFactory.create(model="users.user", object_id=str(user.id), changes=changes)
    path = f"/admin/users-user/history/{user.id}"
    assert "hidden@example.com" in client.get(path).text
    enter(client, grant(UserFactory.create(staff=True), "users.view_user"))
    page = client.get(path)
    assert page.status_code == 200
    assert "hidden@example.com" not in page.text


class OwnItems(ModelAdmin, model=Item):
    """Everybody sees their own."""

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:
        return statement.where(Item.owner_id == principal.id)


@pytest.fixture
def narrow(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.runtime = runtime
    site = AdminSite(app, runtime)
    site.register(SHOP, OwnItems)
    site.seal()
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_hidden_rows_hide_their_history(narrow: TestClient) -> None:
    clerk = enter(narrow, grant(UserFactory.create(staff=True), "items.view_item"))
    own, other = ItemFactory.create(owner=clerk), ItemFactory.create()
    for object_id in (own.id, other.id, other.id + 1000):
        ChangeFactory.create(model="items.item", object_id=str(object_id))
    statuses = [
        narrow.get(f"/admin/shop-item/history/{object_id}").status_code
        for object_id in (own.id, other.id, other.id + 1000)
    ]
    assert statuses == [200, 404, 404]
    enter(narrow, UserFactory.create(superuser=True))
    assert narrow.get(f"/admin/shop-item/history/{other.id}").status_code == 404
    assert narrow.get(f"/admin/shop-item/history/{other.id + 1000}").status_code == 200


@pytest.fixture
def forgetful(settings: Settings, database: TestDatabase, session: Session) -> Iterator[TestClient]:
    """The application without the app that remembers."""
    apps = tuple(name for name in INSTALLED_APPS if name != "apps.audit")
    application = create_application(
        settings, database=database, installed_apps=apps, env_file=None
    )
    with TestClient(application, follow_redirects=False) as client:
        yield client


def test_without_the_app_there_is_no_history(forgetful: TestClient) -> None:
    enter(forgetful, UserFactory.create(superuser=True))
    item = ItemFactory.create()
    rename(forgetful, item, "New")
    assert "history" not in forgetful.get(f"/admin/items-item/edit/{item.id}").text.replace(
        "history.css", ""
    )
    assert "ecent changes" not in forgetful.get("/admin/").text
    assert forgetful.get(f"/admin/items-item/history/{item.id}").status_code == 404
    response = forgetful.post("/admin/items-item/delete", data={"pks": str(item.id)})
    assert response.status_code == 303


def test_lists_say_what_came_and_went() -> None:
    line = line_of("Groups", [["a", "b"], ["b", "c"]])
    assert (line.kind, line.added, line.removed) == ("parts", ("c",), ("a",))
    assert line_of("Tags", [[], None]).kind == "value"
    assert line_of("Password", []).kind == "secret"
    assert line_of("Flag", [False, None]).before == "No"


def test_values_are_written_as_in_lists(client: TestClient, actor: User) -> None:
    item = ItemFactory.create()
    changes = {
        "price": ["1234.50", "2.00"],
        "created_at": ["2026-01-02T03:04:05+00:00", "of another type once"],
    }
    ChangeFactory.create(model="items.item", object_id=str(item.id), changes=changes)
    ChangeFactory.create(model="items.item", object_id=str(item.id), action="set_stock", changes={})
    page = client.get(
        f"/admin/items-item/history/{item.id}", headers={"Accept-Language": "de"}
    ).text
    for shown in ("1.234,50", "Jan. 2026, 03:04<", "of another type once", "Bestand setzen"):
        assert shown in page
    entries = client.get("/admin/audit-change/list", headers={"Accept-Language": "de"}).text
    assert "<td" in entries
    assert "Geändert" in entries


@pytest.mark.parametrize(
    "path", ["items-item/nope", "items-item/edit/0{id}", "items-item/details/+{id}", "x/y"]
)
def test_a_row_has_one_address(client: TestClient, actor: User, path: str) -> None:
    item = ItemFactory.create()
    response = client.get(f"/admin/{path.format(id=item.id)}", follow_redirects=False)
    assert response.status_code == 404
