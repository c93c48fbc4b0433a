"""Who may do what in the admin: every endpoint, every view, every kind of person.

The views are those of the installed apps, the endpoints those of the site: a new one of either
has no entry here and fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqladmin import BaseView, expose
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from apps.items.admin import ItemAdmin
from apps.users.models import User
from project.admin.site import AdminSite
from project.apps import AppConfig
from project.errors import AppError
from project.runtime import Runtime
from tests.factories.audit import ChangeFactory
from tests.factories.items import ItemFactory
from tests.factories.jobs import JobFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import ApiKeyFactory, GroupFactory, UserFactory, grant
from tests.project.admin.support import enter, site_of

ACTIONS = ("view", "add", "change", "delete")
SAMPLE = AppConfig(label="sample", title="Sample")
SIGNED_OUT, REFUSED = "signed out", "refused"


@dataclass(frozen=True)
class Endpoint:
    """How one is asked, and which single permission opens it."""

    method: str
    path: str
    opened_by: tuple[str, ...]
    switch: str = ""
    """The view's own switch; off, it is closed for superusers, too."""


ENDPOINTS = {
    "list": [Endpoint("GET", "list", ("view", "change"))],
    "save_list": [Endpoint("POST", "list", ("change",), "is_list_editable")],
    "export": [Endpoint("GET", "export", ("view", "change"), "can_export")],
    "export_rows": [Endpoint("POST", "export", ("view", "change"), "can_export")],
    "import": [
        Endpoint("GET", "import", (), "can_import"),
        Endpoint("POST", "import", (), "can_import"),
    ],
    "action": [Endpoint("POST", "action", ("view", "change"))],
    "ask_action": [
        Endpoint("GET", "action/none?pks={pk}", ("view", "change")),
        Endpoint("POST", "action/none", ("view", "change")),
    ],
    "filter_lookup": [Endpoint("GET", "filter/lookup?name=none", ("view", "change"))],
    "details": [Endpoint("GET", "details/{pk}", ("view", "change"), "can_view_details")],
    "create": [
        Endpoint("GET", "create", ("add",), "can_create"),
        Endpoint("POST", "create", ("add",), "can_create"),
    ],
    "edit": [
        Endpoint("GET", "edit/{pk}", ("change",), "can_edit"),
        Endpoint("POST", "edit/{pk}", ("change",), "can_edit"),
    ],
    "delete": [
        Endpoint("GET", "delete?pks={pk}", ("delete",), "can_delete"),
        Endpoint("POST", "delete", ("delete",), "can_delete"),
    ],
    "history": [Endpoint("GET", "history/{pk}", ("view", "change"))],
    "sign_ins": [
        Endpoint("GET", "sign-ins/{pk}", ("change",), "can_edit"),
        Endpoint("POST", "sign-ins/{pk}", ("change",), "can_edit"),
    ],
    "object_page": [],  # each view has its own, or none: test_own_pages.py
    "ajax_lookup": [Endpoint("GET", "ajax/lookup?name=none", ("add", "change"), "can_edit")],
}
OPEN = {
    "statics",
    "login",
    "logout",
    "index",
    "login_code",
    "login_enrol",
    "two_factor",
    "own_sign_ins",
}
OPEN |= {"panel", "theme", "language", "model_docs", "model_doc"}
"""Those that are about no model; tests of their own look at them."""

ROWS: dict[str, Callable[[], Any]] = {
    "users-user": UserFactory.create,
    "users-group": GroupFactory.create,
    "users-api-key": lambda: ApiKeyFactory.create(user_id=UserFactory.create().id),
    "items-item": ItemFactory.create,
    "orders-order": OrderFactory.create,
    "orders-order-line": OrderLineFactory.create,
    "audit-change": ChangeFactory.create,
    "jobs-job": JobFactory.create,
}
PEOPLE = ("anonymous", "plain", "staff", "stranger", *ACTIONS, "superuser")


def arrive(client: TestClient, person: str, permission: Callable[[str], str | None]) -> None:
    """Sign in as one of PEOPLE: with one permission on this model, or on another."""
    if person == "anonymous":
        return
    user = UserFactory.create(staff=person != "plain", superuser=person == "superuser")
    name = "users.no_such_thing" if person == "stranger" else permission(person)
    enter(client, grant(user, name) if name else user)


def verdict(response: Response) -> str:
    if response.headers.get("location", "").startswith("/admin/login"):
        return SIGNED_OUT
    return REFUSED if response.status_code == 403 else "let through"


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("identity", ROWS)
def test_every_endpoint(
    client: TestClient, application: FastAPI, session: Session, identity: str, person: str
) -> None:
    site = site_of(application)
    view = next(view for view in site.model_views() if view.identity == identity)
    row = ROWS[identity]()
    known = site.runtime.permissions
    arrive(client, person, lambda action: known.name_of(view.model, action))
    held = {person} if known.name_of(view.model, person) else set()
    for endpoint in (found for several in ENDPOINTS.values() for found in several):
        path = f"/admin/{identity}/{endpoint.path.format(pk=row.id)}"
        sent = {"pks": str(row.id)} if endpoint.method == "POST" else None
        response = client.request(endpoint.method, path, data=sent)
        is_offered = getattr(view, endpoint.switch, True)
        if endpoint.path == "list" and endpoint.method == "POST":
            is_offered = view.can_edit and view.is_list_editable
        if endpoint.path.startswith("ajax"):
            is_offered = view.can_edit or view.can_create
        if person in {"anonymous", "plain"}:
            expected = SIGNED_OUT
        elif is_offered and (person == "superuser" or held & {*endpoint.opened_by}):
            expected = "let through"
        else:
            expected = REFUSED
        assert verdict(response) == expected, (endpoint, response.status_code)
        assert response.status_code < 500


def test_nothing_is_left_out(application: FastAPI) -> None:
    site = site_of(application)
    routes = {getattr(route, "name", "") for route in site.admin.router.routes}
    assert routes == OPEN | ENDPOINTS.keys()
    assert {view.identity for view in site.model_views()} == set(ROWS)


def test_anonymous_sees_no_overview(client: TestClient) -> None:
    assert verdict(client.get("/admin/")) == SIGNED_OUT


def test_staff_without_any_permission(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(staff=True))
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "Ask a superuser for permissions." in page.text
    assert "/list" not in page.text


def test_only_what_is_permitted_is_shown(client: TestClient, session: Session) -> None:
    enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    item = ItemFactory.create()
    page = client.get("/admin/").text
    assert "/admin/items-item/list" in page
    assert "/admin/users-user/list" not in page
    assert "Add item" not in page
    page = client.get("/admin/items-item/list").text
    assert f"/admin/items-item/details/{item.id}" in page
    for hidden in (f"/edit/{item.id}", "delete_chosen", "set_stock", "Add item", "/admin/user/"):
        assert hidden not in page


def test_one_who_may_only_add_comes_back_to_the_overview(
    client: TestClient, session: Session
) -> None:
    enter(client, grant(UserFactory.create(staff=True), "items.add_item"))
    assert "Add item" in client.get("/admin/").text
    form = {"name": "Mug", "price": "1", "stock": "1", "owner": str(UserFactory.create().id)}
    response = client.post("/admin/items-item/create", data=form)
    assert response.headers["location"] == "/admin/"
    assert "Added." in client.get("/admin/").text


def test_lookup_needs_the_right_to_see_what_it_finds(client: TestClient, session: Session) -> None:
    user = enter(client, grant(UserFactory.create(staff=True), "items.change_item"))
    path = "/admin/items-item/ajax/lookup?name=owner&term=user"
    assert client.get(path).status_code == 403
    grant(user, "users.view_user")
    assert user.email in client.get(path).text


class Page(BaseView):
    name = "Sales"

    @expose("/sales", methods=["GET"])
    async def show(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("open")


class Guarded(Page):
    permission = "orders.view_order"


class Misspelt(Page):
    permission = "orders.view_ordre"


@pytest.fixture
def page_of(runtime: Runtime, session: Session) -> Callable[..., Response]:
    """Ask for an app's own page as somebody."""

    def ask(page: type[BaseView], user: User) -> Response:
        app = FastAPI()
        app.state.runtime = runtime
        site = AdminSite(app, runtime)
        site.register(SAMPLE, page)
        site.register(SAMPLE, ItemAdmin)
        site.seal()
        with TestClient(app, follow_redirects=False) as client:
            enter(client, user)
            return client.get("/admin/sales")

    return ask


@pytest.mark.parametrize(("page", "status"), [(Page, 403), (Guarded, 200)])
def test_page_of_an_app(page_of: Any, page: type[BaseView], status: int) -> None:
    holder = grant(UserFactory.create(staff=True), "orders.view_order")
    assert page_of(page, holder).status_code == status
    assert page_of(page, UserFactory.create(staff=True)).status_code == 403
    assert page_of(page, UserFactory.create(superuser=True)).status_code == 200


def test_page_with_a_misspelt_permission_ends_the_start(page_of: Any) -> None:
    with pytest.raises(AppError, match=r"Did you mean 'orders\.view_order'\?$"):
        page_of(Misspelt, UserFactory.create())
