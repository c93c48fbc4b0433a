"""Who is told what by the routes of this app."""

from typing import Any

from tests.apps.items import pictures
from tests.authorisation import Call, of_owner, public, signed_in
from tests.factories.items import ItemFactory

NEW = {"name": "Lamp", "price": "10.00", "stock": 1}


def item(owner: Any) -> Call:
    return Call({"item_id": ItemFactory.create(owner=owner).id})


def change(owner: Any) -> Call:
    return Call(item(owner).path, {"json": {"name": "Another lamp"}})


def picture(owner: Any) -> Call:
    return Call(item(owner).path, {"files": {"file": ("a.jpg", pictures.picture(), "image/jpeg")}})


def create(_owner: Any) -> Call:
    return Call(options={"json": NEW})


ROUTES = {
    "GET /api/v1/items/": public(200),
    "POST /api/v1/items/": signed_in(201, create),
    "GET /api/v1/items/{item_id}": public(200, item),
    "PATCH /api/v1/items/{item_id}": of_owner(200, change, permission="items.change_item"),
    "DELETE /api/v1/items/{item_id}": of_owner(204, item, permission="items.delete_item"),
    "GET /api/v1/items/{item_id}/image": public(404, item),  # it has none, for anybody
    "POST /api/v1/items/{item_id}/image": of_owner(201, picture, permission="items.change_item"),
    # None has a picture, which is told to those alone who may take it off.
    "DELETE /api/v1/items/{item_id}/image": of_owner(404, item, permission="items.change_item"),
}
