"""The second factor of one's own account. Whoever changes it proves again who they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from apps.users import two_factor
from apps.users.api.schemas import CODE_LENGTH
from apps.users.dependencies import SessionClaims, SessionUser
from apps.users.errors import (
    CodeRefused,
    InvalidToken,
    TwoFactorActive,
    TwoFactorInactive,
    WrongCode,
    WrongPassword,
)
from apps.users.events import log_event
from apps.users.models import User
from apps.users.password_rules import MAXIMUM_LENGTH
from apps.users.passwords import verify_password
from apps.users.queries import find_signed_in_user
from apps.users.second_step import offer_of, vault_of
from project.errors import DomainError
from project.runtime import Runtime, runtime_of
from project.web.access import permits
from project.web.client import Client, client_of
from project.web.principal import Claims
from project.web.route import Router
from project.web.schemas import Schema, Storable
from project.web.throttling import throttled
from project.web.transaction import DbSession, InTransactions, Transactions

router = Router(prefix="/auth/two-factor", tags=["auth"])

T = TypeVar("T")
Code = Annotated[str, Field(min_length=1, max_length=CODE_LENGTH), Storable]


class PasswordProof(Schema):
    password: Annotated[str, Field(max_length=MAXIMUM_LENGTH), Storable]


class FullProof(PasswordProof):
    code: Code
    """Of the authenticator app, or a recovery code."""


class Confirmation(Schema):
    code: Code


class TwoFactorRead(Schema):
    is_active: bool
    recovery_codes_left: int


class OfferRead(Schema):
    secret: str
    """In base32, to be typed into an authenticator app."""

    otpauth_uri: str
    """The same for a QR code."""


class RecoveryCodes(Schema):
    recovery_codes: list[str]
    """Each works once, in the place of a code. Nobody sees them again."""


@dataclass(frozen=True)
class Prover:
    """Whoever is signed in, about to prove it again."""

    runtime: Runtime
    transactions: Transactions
    claims: Claims
    client: Client

    async def check(self, password: str) -> User:
        """Compare the password, in the lane for hashes. Raises WrongPassword."""
        user = await self.transactions.run(
            find_signed_in_user, user_id=self.claims["sub"], session_id=self.claims["sid"]
        )
        if user is None:
            raise InvalidToken
        if not await self.runtime.lanes.hash.run(verify_password, password, user.password_hash):
            log_event(
                "password_failed",
                "A password was wrong",
                user_id=user.id,
                session_id=self.claims["sid"],
                client=self.client,
                is_alarming=True,
            )
            raise WrongPassword
        return user


@permits()
async def _prover(
    request: Request,
    transactions: InTransactions,
    claims: SessionClaims,
) -> Prover:
    return Prover(runtime_of(request), transactions, claims, client_of(request))


ToBeProven = Annotated[Prover, Depends(_prover)]


@router.get("")
def read_two_factor(session: DbSession, user: SessionUser) -> TwoFactorRead:
    """Whether signing in takes a code, and how many recovery codes are left."""
    left = two_factor.count_recovery_codes(session, user_id=user.id)
    return TwoFactorRead(is_active=user.has_two_factor, recovery_codes_left=left)


@router.post("", status_code=201)
@throttled("10/10 minutes", scope="password")
async def offer_two_factor(
    body: PasswordProof, prover: ToBeProven, response: Response
) -> OfferRead:
    """Begin to set up an authenticator app (TOTP). Nothing changes until its first code is sent.

    The offer holds for 15 minutes; another one replaces it. 409 if a second factor is active.
    """
    user = await prover.check(body.password)
    if user.has_two_factor:
        raise TwoFactorActive
    secret = await prover.transactions.run(
        two_factor.offer, user_id=user.id, vault=vault_of(prover.runtime)
    )
    response.headers["Cache-Control"] = "no-store"
    shown = offer_of(prover.runtime, user.email, secret)
    return OfferRead(secret=shown.secret, otpauth_uri=shown.uri)


@router.post("/confirm")
async def confirm_two_factor(
    body: Confirmation, prover: ToBeProven, response: Response
) -> RecoveryCodes:
    """Send the app's first code: from now on signing in takes one. All other sign-ins end.

    Five wrong codes withdraw the offer.
    """
    codes = await prover.transactions.run(_confirm, prover, body.code)
    if isinstance(codes, DomainError):
        raise codes
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodes(recovery_codes=codes)


@router.post("/recovery-codes")
@throttled("10/10 minutes", scope="password")
async def renew_recovery_codes(
    body: FullProof, prover: ToBeProven, response: Response
) -> RecoveryCodes:
    """Replace all recovery codes. All other sign-ins end."""
    user = await prover.check(body.password)
    codes = await _change(prover, user, body.code, two_factor.renew_recovery_codes)
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodes(recovery_codes=codes)


@router.delete("", status_code=204)
@throttled("10/10 minutes", scope="password")
async def remove_two_factor(body: FullProof, prover: ToBeProven) -> None:
    """Let the password be enough again. All other sign-ins end."""
    user = await prover.check(body.password)
    await _change(prover, user, body.code, two_factor.remove)


def _confirm(session: Session, prover: Prover, code: str) -> list[str] | DomainError:
    user_id, session_id = prover.claims["sub"], prover.claims["sid"]
    if find_signed_in_user(session, user_id=user_id, session_id=session_id) is None:
        raise InvalidToken
    return two_factor.confirm(
        session,
        user_id=user_id,
        code=code,
        vault=vault_of(prover.runtime),
        keep=session_id,
        client=prover.client,
    )


async def _change(prover: Prover, user: User, code: str, change: Callable[..., T]) -> T:
    """Take the code and make the change in one transaction; commit a refusal, then raise it."""
    if not user.has_two_factor:
        raise TwoFactorInactive
    made = await prover.transactions.run(_check_and_change, prover, user.id, code, change)
    if isinstance(made, WrongCode):
        raise CodeRefused
    if isinstance(made, DomainError):
        raise made
    return made


def _check_and_change(
    session: Session, prover: Prover, user_id: int, code: str, change: Callable[..., T]
) -> T | DomainError:
    vault = vault_of(prover.runtime)
    refusal = two_factor.check_code(
        session, user_id=user_id, code=code, vault=vault, client=prover.client
    )
    if refusal is not None:
        return refusal
    return change(session, user_id=user_id, keep=prover.claims["sid"], client=prover.client)
