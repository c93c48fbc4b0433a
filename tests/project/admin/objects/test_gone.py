"""A row is deleted while somebody edits it: what they typed is not lost."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.items.models import Item
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter, shown_form

pytestmark = pytest.mark.needs("items", "users")


def edit_and_delete(client: TestClient, item: Item) -> dict[str, str]:
    """Open the form, delete the row as somebody else would, and return what the form held."""
    form = shown_form(client.get(f"/admin/items-item/edit/{item.id}"))
    response = client.post("/admin/items-item/delete", data={"pks": str(item.id)})
    assert response.status_code == 303
    return form


def test_what_was_typed_becomes_a_new_row(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True, email="ada@example.com"))
    item = ItemFactory.create(name="Table")
    path = f"/admin/items-item/edit/{item.id}"
    form = edit_and_delete(client, item)
    page = client.post(path, data=form | {"name": "A long <new> text"})
    assert page.status_code == 404
    assert "<b>ada@example.com</b> deleted “Table” on" in page.text
    assert f'href="/admin/items-item/history/{item.id}"' in page.text
    assert 'action="/admin/items-item/create"' in page.text
    response = client.post("/admin/items-item/create", data=shown_form(page))
    assert response.status_code == 303
    assert session.scalars(select(Item.name)).all() == ["A long <new> text"]


def test_who_may_add_none_can_copy_it(client: TestClient, session: Session) -> None:
    permissions = ("items.change_item", "items.delete_item", "users.view_user")
    enter(client, grant(UserFactory.create(staff=True), *permissions))
    item = ItemFactory.create(name="Table")
    form = edit_and_delete(client, item)
    typed = form | {"description": "typed <in> vain"}
    page = client.post(f"/admin/items-item/edit/{item.id}", data=typed)
    assert page.status_code == 404
    assert "typed &lt;in&gt; vain" in page.text
    assert "create" not in page.text
    assert client.post("/admin/items-item/edit/none", data=typed).status_code == 404
