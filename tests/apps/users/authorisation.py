"""Who is told what by the routes of this app."""

from typing import Any

from tests.authorisation import Call, Row, of_owner, of_staff, public, signed_in
from tests.factories.users import PASSWORD


def somebody(owner: Any) -> Call:
    return Call({"user_id": owner.id})


def newcomer(_owner: Any) -> Call:
    return Call(options={"json": {"email": "new@example.com", "password": PASSWORD}})


def named(_owner: Any) -> Call:
    return Call(options={"json": {"full_name": "Somebody Else"}})


def password(owner: Any) -> Call:
    return Call(options={"data": {"username": owner.email, "password": PASSWORD}})


def stale(_owner: Any) -> Call:
    return Call(options={"json": {"refresh_token": "x" * 43}})


def accounts(version: str) -> dict[str, Row]:
    """Both versions are the same to everybody."""
    return {
        f"GET /api/{version}/users/": of_staff(200, permission="users.view_user"),
        f"POST /api/{version}/users/": public(201, newcomer),
        f"GET /api/{version}/users/me": signed_in(200),
        f"PATCH /api/{version}/users/me": signed_in(200, named),
        f"GET /api/{version}/users/{{user_id}}": of_owner(
            200, somebody, permission="users.view_user"
        ),
    }


ROUTES = {
    **accounts("v1"),
    **accounts("v2"),
    "POST /api/v1/auth/token": public(200, password),
    "POST /api/v1/auth/refresh": public(401, stale),
    "POST /api/v1/auth/logout": signed_in(204),
}
