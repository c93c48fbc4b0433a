"""All that is wrong with a form is said at once, whoever finds it."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import enter, shown_form

pytestmark = pytest.mark.needs("items", "users")
TAKEN = "Another user has this already."


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    enter(client, UserFactory.create(superuser=True))
    return client


def wrong(page: Response) -> dict[str, str]:
    found = re.findall(r'<p class="wrong" id="wrong-(\w+)">(.*?)</p>', page.text)
    return {name: unescape(text) for name, text in found}


def test_form_service_and_database_speak_together(admin: TestClient) -> None:
    sent = {"name": " ", "price": "-1", "stock": "x", "owner": "nobody #0"}
    page = admin.post("/admin/items-item/create", data=sent)
    assert page.status_code == 400
    assert wrong(page) == {
        "name": "An item needs a name.",
        "price": "Number must be at least 0.",
        "stock": "Write a whole number, such as 42.",
        "owner": "There is nothing with this id or name.",
    }


def test_the_database_alone_says_all_of_it(admin: TestClient) -> None:
    item = ItemFactory.create()
    path = f"/admin/items-item/edit/{item.id}"
    page = admin.post(path, data=shown_form(admin.get(path)) | {"owner": "nobody", "stock": "-1"})
    assert wrong(page).keys() == {"owner", "stock"}


def test_what_another_row_has(admin: TestClient) -> None:
    other, user = UserFactory.create(), UserFactory.create()
    sent = {"email": other.email, "password": "short", "is_active": "y"}
    assert wrong(admin.post("/admin/users-user/create", data=sent))["email"] == TAKEN
    path = f"/admin/users-user/edit/{user.id}"
    form = shown_form(admin.get(path)) | {"full_name": "x" * 5000}
    assert wrong(admin.post(path, data=form)).keys() == {"full_name"}  # its own is its own
    again = wrong(admin.post(path, data=form | {"email": other.email}))
    assert again["email"] == TAKEN
