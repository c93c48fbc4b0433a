from time import monotonic
from typing import Annotated

from fastapi import Depends, Form, Request, Response
from sqlalchemy.orm import Session

from apps.users import queries, services, sign_in, two_factor, verified
from apps.users.api import account, keys, sessions
from apps.users.api import two_factor as two_factor_api
from apps.users.api.schemas import (
    RefreshRequest,
    TokenForm,
    TokenPair,
    UserCreate,
    UserRead,
    UserUpdate,
)
from apps.users.dependencies import CurrentUser, SessionUser, UserViewer, VisibleUser
from apps.users.errors import InvalidToken, WrongCredentials
from apps.users.events import log_event
from apps.users.registration import register_account
from apps.users.second_step import vault_of
from apps.users.services import Grant
from project.errors import DomainError, Unauthenticated
from project.runtime import Runtime, runtime_of
from project.web.client import client_of
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.principal import bearer_token
from project.web.route import Router
from project.web.throttling import signing_in, throttled
from project.web.transaction import DbSession, InTransactions

auth = Router(prefix="/auth", tags=["auth"])
users = Router(prefix="/users", tags=["users"])


@auth.post("/token")
async def sign_in_with_password(
    request: Request,
    response: Response,
    form: Annotated[TokenForm, Form()],
    transactions: InTransactions,
) -> TokenPair:
    """Exchange an email (as `username`) and a password for an access and a refresh token.

    An account with a second factor gets 401 `two_factor_required` after the right password: send
    the form again with a code as `otp`.
    """
    runtime = runtime_of(request)
    async with signing_in(request, account=form.username) as attempt:
        user = await sign_in.check_password(runtime, email=form.username, password=form.password)
        attempt.has_succeeded = user is not None
    client = client_of(request)
    if user is None:
        log_event("sign_in_failed", "Refused to sign in", user_id=None, client=client)
        raise WrongCredentials
    verified.require_verified(runtime, user)
    grant = await transactions.run(
        two_factor.begin_session,
        user=user,
        code=form.otp,
        vault=vault_of(runtime),
        lifetime=sign_in.session_lifetime(runtime),
        client=client,
    )
    if isinstance(grant, DomainError):
        raise grant
    log_event("signed_in", "Signed in", user_id=user.id, session_id=grant.session_id, client=client)
    return _token_pair(runtime, response, grant)


@auth.post("/refresh")
async def refresh_tokens(
    request: Request, response: Response, body: RefreshRequest, transactions: InTransactions
) -> TokenPair:
    """Exchange a refresh token for a new pair. Each refresh token works once.

    One that is used again ends the whole session: somebody else has it, too.
    """
    runtime = runtime_of(request)
    grant = await transactions.run(
        services.rotate_refresh_token,
        token=body.refresh_token,
        arrived=monotonic(),
        client=client_of(request),
        must_be_verified=verified.is_required(runtime),
    )
    if grant is None:
        raise InvalidToken
    return _token_pair(runtime, response, grant)


@auth.post("/logout", status_code=204)
def sign_out(
    session: DbSession,
    request: Request,
    token: Annotated[str | None, Depends(bearer_token)],
    body: RefreshRequest | None = None,
) -> None:
    """End a session at once, access tokens included.

    Name it by its refresh token, by an access token in the `Authorization` header, or both.
    """
    if body is None and not token:
        raise Unauthenticated("Send the refresh token, or an access token.")
    if token:
        _end_session_of(session, runtime_of(request), token, may_be_stale=body is not None)
    if body is not None:
        services.sign_out(session, token=body.refresh_token)


def _end_session_of(session: Session, runtime: Runtime, token: str, *, may_be_stale: bool) -> None:
    """End the session of an access token. A stale one is no news beside a refresh token."""
    try:
        claims = sign_in.access_tokens(runtime).verify(token)
    except InvalidToken:
        if may_be_stale:
            return
        raise
    services.revoke_session(session, session_id=claims["sid"])


@users.post("/", status_code=201)
@throttled("300/hour", scope="registration", by_address=True)
async def register(request: Request, body: UserCreate) -> UserRead:
    """Open an account. 409 if the email is known, 403 where registration is closed."""
    user = await register_account(runtime_of(request), **body.model_dump())
    return UserRead.model_validate(user)


@users.get("/me")
def read_me(user: CurrentUser) -> UserRead:
    """The account that is signed in."""
    return UserRead.model_validate(user)


@users.patch("/me")
def update_me(session: DbSession, user: SessionUser, body: UserUpdate) -> UserRead:
    """Change the account that is signed in."""
    services.rename_user(session, user=user, full_name=body.full_name)
    return UserRead.model_validate(user)


@users.get("/{user_id}")
def read_user(user: VisibleUser) -> UserRead:
    """One account: one's own, or any for staff and for whoever holds `users.view_user`."""
    return UserRead.model_validate(user)


@users.get("/")
def list_users(
    session: DbSession, viewer: UserViewer, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[UserRead]:
    """All accounts, oldest first; for staff and for whoever holds `users.view_user`."""
    page = queries.list_users(session, limit=limit, cursor=cursor)
    return Page[UserRead].model_validate({"items": page.rows, "next_cursor": page.next_cursor})


def _token_pair(runtime: Runtime, response: Response, grant: Grant) -> TokenPair:
    response.headers["Cache-Control"] = "no-store"
    return TokenPair(
        access_token=sign_in.issue_access_token(runtime, grant),
        refresh_token=grant.refresh_token,
        expires_in=runtime.settings.security.access_token_expire_minutes * 60,
    )


router = Router()
router.include_router(auth)
router.include_router(keys.router)
router.include_router(account.router)
router.include_router(sessions.router)
router.include_router(two_factor_api.router)
router.include_router(users)
