"""The same accounts in another shape: the name and the standing are objects of their own."""

from datetime import datetime
from typing import Literal

from fastapi import Request

from apps.users import queries, services
from apps.users.api.schemas import UserCreate, UserUpdate
from apps.users.dependencies import CurrentUser, SessionUser, UserViewer, VisibleUser
from apps.users.models import User
from apps.users.registration import register_account
from project.runtime import runtime_of
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.route import Router
from project.web.schemas import Schema
from project.web.throttling import throttled
from project.web.transaction import DbSession

router = Router(prefix="/users", tags=["users"])

Role = Literal["member", "staff", "superuser"]


class Name(Schema):
    full: str | None
    display: str
    """The full name, or else the part of the email before the @."""


class UserRead(Schema):
    id: int
    email: str
    name: Name
    status: Literal["active", "disabled"]
    role: Role
    registered_at: datetime


@router.post("/", status_code=201)
@throttled("300/hour", scope="registration", by_address=True)
async def register(request: Request, body: UserCreate) -> UserRead:
    """Open an account. 409 if the email is known, 403 where registration is closed."""
    return _read(await register_account(runtime_of(request), **body.model_dump()))


@router.get("/me")
def read_me(user: CurrentUser) -> UserRead:
    """The account that is signed in."""
    return _read(user)


@router.patch("/me")
def update_me(session: DbSession, user: SessionUser, body: UserUpdate) -> UserRead:
    """Change the account that is signed in."""
    return _read(services.rename_user(session, user=user, full_name=body.full_name))


@router.get("/{user_id}")
def read_user(user: VisibleUser) -> UserRead:
    """One account: one's own, or any for staff and for whoever holds `users.view_user`."""
    return _read(user)


@router.get("/")
def list_users(
    session: DbSession, viewer: UserViewer, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[UserRead]:
    """All accounts, oldest first; for staff and for whoever holds `users.view_user`."""
    page = queries.list_users(session, limit=limit, cursor=cursor)
    return Page(items=[_read(user) for user in page.rows], next_cursor=page.next_cursor)


def _read(user: User) -> UserRead:
    return UserRead(
        id=user.id,
        email=user.email,
        name=Name(full=user.full_name, display=user.full_name or user.email.partition("@")[0]),
        status="active" if user.is_active else "disabled",
        role=_role(user),
        registered_at=user.created_at,
    )


def _role(user: User) -> Role:
    if user.is_superuser:
        return "superuser"
    return "staff" if user.is_staff else "member"
