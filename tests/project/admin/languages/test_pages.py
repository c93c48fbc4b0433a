"""Every page of the admin in another language: German, and one that is made up."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import Session

from project.admin.language import COOKIE
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import GroupFactory, UserFactory
from tests.project.admin.languages.pseudo import unmarked
from tests.project.admin.support import SAME_ORIGIN, enter, shown_form

DATA = {
    *("Lintel", "UTC", "English", "Deutsch", "x-pseudo", "DATA", "Turned by hand."),
    *("testclient", "owner", "price"),
}


def post(client: TestClient, path: str, **form: str) -> Response:
    return client.post(path, data=form, headers=SAME_ORIGIN)


def wrong_item(client: TestClient) -> Response:
    item = ItemFactory.create(name="DATA")
    path = f"/admin/items-item/edit/{item.id}"
    return post(client, path, **{**shown_form(client.get(path)), "name": "", "price": "x"})


def changed_item(client: TestClient) -> Response:
    item = ItemFactory.create(name="DATA")
    path = f"/admin/items-item/edit/{item.id}"
    post(client, path, **{**shown_form(client.get(path)), "name": "DATA DATA"})
    return client.get(f"/admin/items-item/history/{item.id}")


def conflict(client: TestClient) -> Response:
    item = ItemFactory.create(name="DATA")
    path = f"/admin/items-item/edit/{item.id}"
    form = shown_form(client.get(path))
    post(client, path, **{**form, "name": "DATA 1"})
    return post(client, path, **{**form, "name": "DATA 2"})


def sign_in_page(client: TestClient) -> Response:
    client.cookies.delete("lintel_admin")
    return client.get("/admin/login")


def said(client: TestClient) -> Response:
    item = ItemFactory.create(name="DATA")
    form = {"action": "set_stock", "pks": str(item.id), "_agreed": "1", "value-stock": "7"}
    to = client.post("/admin/items-item/action", data=form, headers=SAME_ORIGIN)
    return client.get(to.headers["location"])


def dates(client: TestClient) -> Response:
    ItemFactory.create(name="DATA")
    return client.get("/admin/items-item/list")


def deletion(client: TestClient) -> Response:
    line = OrderLineFactory.create(item=ItemFactory.create(name="DATA"))
    return client.get(f"/admin/items-item/delete?pks={line.item_id}")


def details(client: TestClient) -> Response:
    line = OrderLineFactory.create(item=ItemFactory.create(name="DATA"))
    return client.get(f"/admin/orders-order/details/{line.order_id}")


def wrong_import(client: TestClient) -> Response:
    files = {"file": ("items.csv", b"name,price\nDATA,x\n", "text/csv")}
    return client.post("/admin/items-item/import", files=files, headers=SAME_ORIGIN)


def question(client: TestClient) -> Response:
    item = ItemFactory.create(name="DATA")
    form = {"action": "set_stock", "pks": str(item.id)}
    return client.post("/admin/items-item/action", data=form, headers=SAME_ORIGIN)


def account(client: TestClient, page: str) -> Response:
    user = UserFactory.create(email="ada@example.com", full_name="DATA")
    return client.get(f"/admin/users-user/{page}/{user.id}")


def group(client: TestClient) -> Response:
    return client.get(f"/admin/users-group/edit/{GroupFactory.create(name='DATA').id}")


PAGES: dict[str, tuple[Callable[[TestClient], Response], int, str]] = {
    "sign in": (sign_in_page, 200, "Anmeldung zur Verwaltung"),
    "wrong password": (
        lambda client: post(client, "/admin/login", username="x", password="x", next=""),
        401,
        "hat hier keinen Zutritt",
    ),
    "said": (said, 200, "Bestand setzen auf: 1 Artikel"),
    "popup": (lambda client: client.get("/admin/items-item/create?_popup=1"), 200, "hinzufügen"),
    "reset link": (lambda client: account(client, "reset-link"), 200, "Link für ein neues"),
    "overview": (lambda client: client.get("/admin/"), 200, "Übersicht"),
    "list": (lambda client: client.get("/admin/orders-order/list"), 200, "Bestellungen"),
    "filtered": (
        lambda client: client.get("/admin/items-item/list?price__gte=1&search=DATA&_facets=1"),
        200,
        "Alle Filter aufheben",
    ),
    "dates": (dates, 200, "Alle Daten"),
    "empty": (lambda client: client.get("/admin/users-group/list?search=x"), 200, "passt nichts"),
    "wrong filter": (
        lambda client: client.get("/admin/items-item/list?price=x"),
        400,
        "Preis: hier ist eine Zahl nötig",
    ),
    "create": (lambda client: client.get("/admin/users-user/create"), 200, "Benutzer hinzufügen"),
    "errors": (wrong_item, 400, "Noch ist nichts gesichert"),
    "conflict": (conflict, 409, "Zwei Fassungen"),
    "deletion": (deletion, 200, "Was darauf verweist"),
    "history": (changed_item, 200, "Verlauf von"),
    "details": (details, 200, "Bestellzeile"),
    "group": (group, 200, "Berechtigungen"),
    "action": (question, 200, "Bestand setzen"),
    "export": (lambda client: client.get("/admin/items-item/export"), 200, "exportieren"),
    "import": (lambda client: client.get("/admin/items-item/import"), 200, "Nur prüfen"),
    "wrong import": (wrong_import, 400, "Fehler: nichts kann"),
    "password": (lambda client: account(client, "password"), 200, "Passwort ändern"),
    "sign-ins": (lambda client: account(client, "sign-ins"), 200, "Wo ada@example.com angemeldet"),
    "own sign-ins": (lambda client: client.get("/admin/sign-ins"), 200, "Eigene Anmeldungen"),
    "two factors": (lambda client: client.get("/admin/two-factor"), 200, "zwei Faktoren"),
    "models": (lambda client: client.get("/admin/models"), 200, "Modelle"),
    "not found": (lambda client: client.get("/admin/users-user/edit/99"), 404, "Nicht gefunden"),
    "not there": (lambda client: client.get("/admin/nothing"), 404, "Nicht gefunden"),
    "refused": (lambda client: client.get("/admin/orders-order/create"), 403, "nicht angeboten"),
}
pages = pytest.mark.parametrize("name", PAGES)
needs_shop = pytest.mark.needs("users", "items", "orders", "audit")


def enter_in(client: TestClient, language: str) -> None:
    enter(client, UserFactory.create(superuser=True, full_name="DATA"))
    client.cookies.set(COOKIE, language)


@needs_shop
@pytest.mark.parametrize("name", sorted(PAGES.keys() - {"models"}))  # which the code describes
def test_nothing_escapes_translation(
    client: TestClient, session: Session, pseudo: str, name: str
) -> None:
    enter_in(client, pseudo)
    OrderFactory.create(user=UserFactory.create(full_name="DATA"))
    ask, status, _ = PAGES[name]
    response = ask(client)
    assert response.status_code == status
    assert unmarked(response.text, DATA) == []


@needs_shop
@pages
def test_german(client: TestClient, session: Session, name: str) -> None:
    enter_in(client, "de")
    ask, status, sentence = PAGES[name]
    response = ask(client)
    assert response.status_code == status
    assert sentence in response.text
    assert '<html lang="de"' in response.text
    assert response.headers["content-language"] == "de"
