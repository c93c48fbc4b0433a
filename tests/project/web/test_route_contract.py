"""What the route class uses of FastAPI's private parts, pinned: an upgrade fails here first."""

import inspect

from fastapi import APIRouter, FastAPI
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from starlette.requests import Request

from project.web.route import effective_route

RENDERING = {
    "status_code",
    "response_class",
    "response_field",
    "response_model_include",
    "response_model_exclude",
    "response_model_by_alias",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
}


def answer(number: int = 1) -> int:
    return number


def test_route_takes_path_and_endpoint_first() -> None:
    assert list(inspect.signature(APIRoute.__init__).parameters)[:3] == ["self", "path", "endpoint"]


def test_route_and_its_inclusion_say_how_to_render() -> None:
    inner, app = APIRouter(), FastAPI()
    inner.get("/n")(answer)
    app.include_router(inner, prefix="/in")
    included = next(c for c in iter_route_contexts(app.routes) if c.path == "/in/n")
    for name in RENDERING:
        assert hasattr(included.original_route, name)
        assert hasattr(included, name)


def test_response_field_validates_and_serialises() -> None:
    route = APIRoute("/n", answer)
    field = route.response_field
    assert isinstance(field, ModelField)
    assert field.validate(3, {}, loc=("response",)) == (3, [])
    assert field.serialize_json(3) == b"3"
    assert field.serialize(3) == 3


def test_signature_decides_what_is_parsed() -> None:
    """FastAPI reads `__signature__`, which is how a provider's parameters become the route's."""
    route = APIRoute("/n", answer)
    dependant: Dependant = route.dependant
    assert [field.name for field in dependant.query_params] == ["number"]


def test_effective_route_is_found_in_the_scope() -> None:
    inner, app = APIRouter(), FastAPI()

    @inner.get("/n/{number}")
    async def look(request: Request, number: int) -> str:
        assert number == 3
        return str(effective_route(request.scope).path_format)

    app.include_router(inner, prefix="/in")
    assert TestClient(app).get("/in/n/3").json() == "/in/n/{number}"
