"""What the owner of an account does about its password and its address."""

from typing import Annotated

from fastapi import BackgroundTasks, Request
from pydantic import Field

from apps.users import background, email_flows
from apps.users.dependencies import SessionClaims
from apps.users.password_rules import MAXIMUM_LENGTH
from apps.users.validation import Email, Password
from project.runtime import runtime_of
from project.web.route import Router
from project.web.schemas import Schema, Storable
from project.web.throttling import throttled
from project.web.transaction import DbSession

router = Router(prefix="/auth", tags=["auth"])

MailedToken = Annotated[str, Field(max_length=100), Storable]
AnyPassword = Annotated[str, Field(max_length=MAXIMUM_LENGTH), Storable]


class AddressOnly(Schema):
    email: Email


class TokenOnly(Schema):
    token: MailedToken
    """From the link in the mail: what follows the last slash."""


class PasswordChange(Schema):
    current_password: AnyPassword
    password: Password


class PasswordReset(Schema):
    token: MailedToken
    password: Password


class EmailChange(Schema):
    email: Email
    current_password: AnyPassword


class Accepted(Schema):
    detail: str = "If there is something to be mailed, it is on its way."


@router.post("/password", status_code=204)
@throttled("10/10 minutes", scope="password")
async def change_password(request: Request, claims: SessionClaims, body: PasswordChange) -> None:
    """Change one's password. All other sessions and all API keys end; a mail tells the owner."""
    await email_flows.change_password(
        runtime_of(request),
        user_id=claims["sub"],
        session_id=claims["sid"],
        current=body.current_password,
        password=body.password,
    )


@router.post("/password-reset", status_code=202)
@throttled("60/hour", scope="account-mail", by_address=True)
async def request_password_reset(
    request: Request, tasks: BackgroundTasks, body: AddressOnly
) -> Accepted:
    """Mail a link to a new password. The answer is the same for every address."""
    tasks.add_task(background.send_reset, runtime_of(request), body.email)
    return Accepted()


@router.post("/password-reset/confirm", status_code=204)
async def reset_password(request: Request, body: PasswordReset) -> None:
    """Set the new password with the token of the link, which works once.

    All sessions and all API keys end.
    """
    await email_flows.reset_password(runtime_of(request), token=body.token, password=body.password)


@router.post("/verify-email", status_code=204)
def verify_email(session: DbSession, body: TokenOnly) -> None:
    """Confirm the account's address with the token of the link, which works once."""
    email_flows.verify_address(session, token=body.token)


@router.post("/verify-email/resend", status_code=202)
@throttled("60/hour", scope="account-mail", by_address=True)
async def resend_verification(
    request: Request, tasks: BackgroundTasks, body: AddressOnly
) -> Accepted:
    """Mail the link once more. The answer is the same for every address."""
    tasks.add_task(background.resend_verification, runtime_of(request), body.email)
    return Accepted()


@router.post("/email", status_code=202)
@throttled("10/10 minutes", scope="password")
async def request_email_change(
    request: Request, claims: SessionClaims, body: EmailChange
) -> Accepted:
    """Ask for another address: a link goes to the new one, a notice to the old one."""
    await email_flows.request_email_change(
        runtime_of(request),
        user_id=claims["sub"],
        session_id=claims["sid"],
        current=body.current_password,
        email=body.email,
    )
    return Accepted()


@router.post("/email/confirm", status_code=204)
def change_email(request: Request, session: DbSession, body: TokenOnly) -> None:
    """Move the account to the new address with the token of the link, which works once.

    All sessions end.
    """
    email_flows.change_email(session, runtime_of(request), token=body.token)
