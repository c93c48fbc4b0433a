"""Accounts with a second factor, and its codes."""

from typing import NamedTuple

from sqlalchemy import func
from sqlalchemy.orm import Session

from apps.users import totp
from apps.users.models import TwoFactor, User
from apps.users.two_factor import _replace_recovery_codes
from apps.users.vault import Vault
from tests.factories.users import UserFactory


class Enrolled(NamedTuple):
    user: User
    secret: bytes
    recovery_codes: list[str]

    def code(self, offset: int = 0) -> str:
        """The code that the app shows, or the one some half minutes later."""
        return totp.code_at(self.secret, totp.current_step() + offset)

    def wrong_code(self) -> str:
        """Six digits that are none of the codes that count."""
        near = {self.code(offset) for offset in range(-3, 4)}
        return next(text for text in map("{:06}".format, range(10)) if text not in near)


def enrolled(session: Session, vault: Vault, **traits: object) -> Enrolled:
    """Open an account that has shown a first code long ago."""
    user = UserFactory.create(has_two_factor=True, **traits)
    secret = totp.new_secret()
    session.add(
        TwoFactor(
            user_id=user.id,
            sealed_secret=vault.seal(secret, owner=user.id),
            confirmed_at=func.now(),
        )
    )
    codes = _replace_recovery_codes(session, user.id)
    session.commit()
    return Enrolled(user, secret, codes)
