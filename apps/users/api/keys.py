"""API keys: made, listed and revoked by people who signed in, used by their programs."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Request, Response
from pydantic import Field

from apps.users import api_keys
from apps.users.dependencies import SessionPrincipal, VerifiedClaims
from apps.users.models import KEY_NAME_LENGTH, PERMISSION_LENGTH
from project.runtime import runtime_of
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.route import Router
from project.web.schemas import PathId, Schema, Storable
from project.web.throttling import throttled
from project.web.transaction import DbSession

MOST_SCOPES = 100

Name = Annotated[str, Field(min_length=1, max_length=KEY_NAME_LENGTH), Storable]
Scope = Annotated[str, Field(max_length=PERMISSION_LENGTH), Storable]


class KeyCreate(Schema):
    name: Name
    scopes: Annotated[frozenset[Scope], Field(max_length=MOST_SCOPES)] = frozenset()
    """Permissions that you hold and the key shall have, `items.change_item` say."""

    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90


class KeyRead(Schema):
    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class KeyCreated(KeyRead):
    key: str
    """The key itself. It is shown this once."""


router = Router(prefix="/auth/keys", tags=["auth"])


@router.post("", status_code=201)
@throttled("60/hour", scope="api-keys")
def create_key(
    session: DbSession,
    owner: SessionPrincipal,
    claims: VerifiedClaims,
    *,
    request: Request,
    response: Response,
    body: KeyCreate,
) -> KeyCreated:
    """Make an API key, which programs send as `Authorization: Bearer lk_…`.

    It acts as your account in your own affairs. Of your permissions it has its `scopes`, while
    you hold them yourself; it is never staff, and it cannot manage accounts, sessions or keys.
    The answer is the only one that ever shows it. 409 if you have 20 that are in force.
    """
    made = api_keys.create_key(
        session,
        owner=owner,
        session_id=claims["sid"],
        name=body.name,
        scopes=body.scopes,
        lifetime=timedelta(days=body.expires_in_days),
        known=runtime_of(request).permissions,
    )
    response.headers["Cache-Control"] = "no-store"
    row = KeyRead.model_validate(made.row)
    return KeyCreated(**row.model_dump(), key=made.token)


@router.get("")
def list_keys(
    session: DbSession, owner: SessionPrincipal, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[KeyRead]:
    """Your API keys, oldest first, expired ones among them; never the keys themselves."""
    page = api_keys.list_keys(session, user_id=owner.id, limit=limit, cursor=cursor)
    return Page[KeyRead].model_validate({"items": page.rows, "next_cursor": page.next_cursor})


@router.delete("/{key_id}", status_code=204)
def revoke_key(session: DbSession, owner: SessionPrincipal, key_id: PathId) -> None:
    """Revoke one of your API keys: the next request with it is refused."""
    api_keys.revoke_key(session, user_id=owner.id, key_id=key_id)
