"""Where accounts are signed in, for an authenticator that can list that and end it.

Beside `project.web.principal.Authenticator`, what `identity.py` offers may have these methods, too;
then the admin has a page for one's own sign-ins, and one for those of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class SignIn:
    """One place where an account is signed in."""

    id: str
    is_browser: bool
    """Whether it is a browser in the admin, and not a program with tokens."""

    is_current: bool
    """Whether it is the browser that asks."""

    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    agent: str | None
    """What the program called itself; nobody has verified it."""


@runtime_checkable
class SignIns(Protocol):
    """Lists sign-ins and ends them."""

    account_model: type
    """The model whose rows are accounts; their views in the admin lead to their sign-ins."""

    def list_sign_ins(
        self, session: Session, account_id: int, *, cookie: str | None, idle: timedelta
    ) -> Sequence[SignIn]:
        """Return the newest sign-ins that are not over.

        A browser is over when it was not used for `idle`; `cookie` is that of who asks.
        """
        ...

    def end_sign_in(self, session: Session, account_id: int, sign_in_id: str) -> None:
        """End one of an account's sign-ins. Raises NotFound, for those of others as well."""
        ...

    def end_sign_ins(self, session: Session, account_id: int, *, keep_cookie: str | None) -> None:
        """End all sign-ins of an account, but for the browser with this cookie."""
        ...
