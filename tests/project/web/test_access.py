"""Who may call a route is read from the route, and the answers agree."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from project.web.access import Access, SignIn, access_of, permits
from project.web.principal import (
    Claims,
    CurrentPrincipal,
    CurrentStaff,
    StreamSeconds,
    bearer_token,
    verified_claims,
)
from project.web.route import Router, in_lane
from project.web.transaction import DbSession, InTransaction

PARAMETER = re.compile(r"\{\w+\}")


@permits("author", "staff")
def own_note(principal: CurrentPrincipal) -> int:
    return principal.id


OwnNote = Annotated[int, InTransaction(own_note)]


def fresh_note(note: OwnNote) -> int:
    return note


def quiet_guard(principal: CurrentPrincipal) -> None: ...


async def quiet_dependency(claims: Annotated[Claims, Depends(verified_claims)]) -> None: ...


router = Router()


@router.get("/public")
def public(session: DbSession) -> None: ...


@router.get("/anybody")
def anybody(principal: CurrentPrincipal) -> None: ...


@router.get("/optional")
async def optional(token: Annotated[str | None, Depends(bearer_token)]) -> None: ...


@router.get("/staff")
def staff(principal: CurrentStaff) -> None: ...


@router.get("/deep")
def deep(note: Annotated[int, InTransaction(fresh_note)]) -> None: ...


@router.get("/both")
def both(principal: CurrentStaff, note: OwnNote) -> None: ...


@router.get("/quiet")
def quiet(guard: Annotated[None, InTransaction(quiet_guard)]) -> None: ...


@router.get("/hash")
@in_lane("hash")
def in_another_lane(guard: Annotated[None, Depends(quiet_dependency)]) -> None: ...


@router.get("/stream", response_class=PlainTextResponse)
async def stream(note: OwnNote, seconds: StreamSeconds) -> AsyncIterator[str]:
    yield ""


GUARDED = Router(dependencies=[Depends(verified_claims)])
GUARDED.include_router(router, prefix="/guarded")


def accesses() -> dict[str, Access]:
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    app.include_router(GUARDED)
    app.mount("/mounted", PlainTextResponse(""))
    return {route.path or "": access_of(route) for route in iter_route_contexts(app.routes)}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/public", "public"),
        ("/anybody", "bearer"),
        ("/optional", "bearer, optional"),
        ("/staff", "bearer: staff"),
        ("/deep", "bearer: author or staff"),
        ("/both", "bearer: staff + author or staff"),
        ("/quiet", "bearer: quiet_guard"),
        ("/hash", "bearer: quiet_dependency"),
        ("/stream", "bearer: author or staff"),
        ("/guarded/public", "bearer"),
        ("/guarded/staff", "bearer: staff"),
        ("/mounted", "-"),
    ],
)
def test_read_from_the_route(path: str, expected: str) -> None:
    assert str(accesses()[path]) == expected


def test_strangers_hear_what_the_table_says(client: TestClient) -> None:
    """Every route of the installed apps refuses who has not signed in, or none of them."""
    application = client.app
    assert isinstance(application, FastAPI)
    wrong = []
    for route in iter_route_contexts(application.routes):
        access, path = access_of(route), PARAMETER.sub("1", route.path or "")
        for method in sorted(route.methods or ()) if access.sign_in != SignIn.UNKNOWN else ():
            is_refused = client.request(method, path).status_code == 401
            if access.sign_in != SignIn.OPTIONAL and is_refused != (
                access.sign_in == SignIn.REQUIRED
            ):
                wrong.append(f"{method} {route.path}: {access}")
    assert wrong == []
