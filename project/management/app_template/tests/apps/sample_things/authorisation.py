"""Who is told what by the routes of this app."""

from typing import Any

from apps.sample_things.dependencies import CHANGE, DELETE
from tests.authorisation import Call, of_owner, public, signed_in
from tests.factories.sample_things import SampleThingFactory

ALL = "/api/v1/sample_things/"
ONE = "/api/v1/sample_things/{sample_thing_id}"


def existing(owner: Any) -> Call:
    return Call({"sample_thing_id": SampleThingFactory.create(owner=owner).id})


def change(owner: Any) -> Call:
    return Call(existing(owner).path, {"json": {"title": "Another"}})


def create(_owner: Any) -> Call:
    return Call(options={"json": {"title": "New"}})


ROUTES = {
    f"GET {ALL}": public(200),
    f"POST {ALL}": signed_in(201, create),
    f"GET {ONE}": public(200, existing),
    f"PATCH {ONE}": of_owner(200, change, permission=CHANGE),
    f"DELETE {ONE}": of_owner(204, existing, permission=DELETE),
}
