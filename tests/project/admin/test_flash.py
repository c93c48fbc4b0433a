"""What was done is said once, and never beside its opposite."""

import pytest
from fastapi.testclient import TestClient

from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import enter, shown_form

pytestmark = pytest.mark.needs("items", "users")
SAID = 'role="status">Saved.'


def save(client: TestClient, **changes: str) -> str:
    """Save an item's form; return where the browser is sent."""
    path = f"/admin/items-item/edit/{ItemFactory.create().id}"
    form = shown_form(client.get(path)) | {"save": "Save and continue editing", **changes}
    return str(client.post(path, data=form).headers["location"])


def test_a_reload_does_not_say_it_again(client: TestClient) -> None:
    enter(client, UserFactory.create(superuser=True))
    path = save(client, name="Chair")
    assert "note" not in path
    assert SAID in client.get(path).text
    assert SAID not in client.get(path).text


def test_it_is_not_said_beside_a_mistake(client: TestClient) -> None:
    enter(client, UserFactory.create(superuser=True))
    save(client, name="Chair")
    assert SAID not in client.get("/admin/items-item/edit/0").text
    assert SAID not in client.get("/admin/items-item/list").text


def test_an_address_says_nothing(client: TestClient) -> None:
    enter(client, UserFactory.create(superuser=True))
    assert SAID not in client.get("/admin/items-item/list?note=saved").text
