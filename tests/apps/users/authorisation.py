"""Who is told what by the routes of this app."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from apps.users.models import ApiKey, AuthSession
from tests.authorisation import Call, Row, of_owner, of_staff, own, public, signed_in
from tests.factories.base import current_session
from tests.factories.users import PASSWORD, ApiKeyFactory


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


def another_password(_owner: Any) -> Call:
    body = {"current_password": PASSWORD, "password": "a horse of another colour"}
    return Call(options={"json": body})


def another_address(_owner: Any) -> Call:
    body = {"current_password": PASSWORD, "email": "another@example.com"}
    return Call(options={"json": body})


def address(owner: Any) -> Call:
    return Call(options={"json": {"email": owner.email}})


def dead_link(_owner: Any) -> Call:
    return Call({"token": "x" * 43}, {"json": {"token": "x" * 43}})


def dead_reset(_owner: Any) -> Call:
    return Call(options={"json": {"token": "x" * 43, "password": "a horse of another colour"}})


def dead_form(_owner: Any) -> Call:
    fields = {"token": "x" * 43, "password": "a horse of another colour"}
    return Call(options={"data": {**fields, "repeated": fields["password"]}})


def address_form(owner: Any) -> Call:
    return Call(options={"data": {"email": owner.email}})


def proof(_owner: Any) -> Call:
    return Call(options={"json": {"password": PASSWORD}})


def full_proof(_owner: Any) -> Call:
    return Call(options={"json": {"password": PASSWORD, "code": "000000"}})


def code(_owner: Any) -> Call:
    return Call(options={"json": {"code": "000000"}})


def sign_in_of(owner: Any) -> Call:
    row = AuthSession(user_id=owner.id, expires_at=datetime.now(UTC) + timedelta(hours=1))
    current_session().add(row)
    current_session().commit()
    return Call({"session_id": row.id})


def new_key(_owner: Any) -> Call:
    return Call(options={"json": {"name": "Robot", "scopes": []}})


def key(owner: Any) -> Call:
    ApiKeyFactory.token_for(owner)
    (made,) = current_session().scalars(select(ApiKey).where(ApiKey.user_id == owner.id))
    return Call({"key_id": made.id})


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
    "GET /api/v1/auth/keys": signed_in(200),
    "POST /api/v1/auth/keys": signed_in(201, new_key),
    "DELETE /api/v1/auth/keys/{key_id}": own(204, key),
    "GET /api/v1/auth/sessions": signed_in(200),
    "DELETE /api/v1/auth/sessions": signed_in(204),
    "DELETE /api/v1/auth/sessions/{session_id}": own(204, sign_in_of),
    "GET /api/v1/auth/two-factor": signed_in(200),
    "POST /api/v1/auth/two-factor": signed_in(201, proof),
    "POST /api/v1/auth/two-factor/confirm": signed_in(409, code),  # nobody was offered one
    "POST /api/v1/auth/two-factor/recovery-codes": signed_in(409, full_proof),
    "DELETE /api/v1/auth/two-factor": signed_in(409, full_proof),
    "POST /api/v1/auth/password": signed_in(204, another_password),
    "POST /api/v1/auth/email": signed_in(202, another_address),
    # Nobody's links: whoever has one is its owner, signed in or not.
    "POST /api/v1/auth/email/confirm": public(422, dead_link),
    "POST /api/v1/auth/password-reset": public(202, address),
    "POST /api/v1/auth/password-reset/confirm": public(422, dead_reset),
    "POST /api/v1/auth/verify-email": public(422, dead_link),
    "POST /api/v1/auth/verify-email/resend": public(202, address),
    "GET /account/reset": public(200),
    "POST /account/reset": public(303, address_form),
    "GET /account/reset/sent": public(200),
    "GET /account/reset/done": public(200),
    "GET /account/reset/{token}": public(404, dead_link),
    "POST /account/reset/password": public(404, dead_form),
    "GET /account/verify/{token}": public(404, dead_link),
    "POST /account/verify": public(404, dead_form),
    "GET /account/verify/done": public(200),
    "GET /account/email/{token}": public(404, dead_link),
    "POST /account/email": public(404, dead_form),
    "GET /account/email/done": public(200),
}
