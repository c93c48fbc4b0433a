"""The second step of signing in, for an authenticator that knows one.

Beside `project.web.principal.Authenticator`, what `identity.py` offers may have these methods, too;
then the admin asks for a code after the password.
"""

from enum import Enum, auto
from typing import NamedTuple, Protocol, runtime_checkable

from sqlalchemy.orm import Session

from project.errors import DomainError
from project.runtime import Runtime
from project.web.client import Client
from project.web.principal import Account


class SecondStep(Enum):
    """What comes after the right password."""

    NONE = auto()
    CODE = auto()
    """A code of the authenticator app, or a recovery code."""

    ENROLMENT = auto()
    """There is no second factor, and without one the account may not come in."""


class Offer(NamedTuple):
    """A second factor that waits for its first code: as text, and as QR codes carry it."""

    secret: str
    uri: str


@runtime_checkable
class SecondFactor(Protocol):
    """Asks for codes, and sets up what they come from."""

    def second_step(self, runtime: Runtime, principal: Account) -> SecondStep:
        """Say what this account has to do after the password."""
        ...

    def issue_proof(self, runtime: Runtime, principal: Account) -> str:
        """Return what proves, for minutes, that the password was right."""
        ...

    def find_proven(self, session: Session, runtime: Runtime, proof: str) -> Account | None:
        """Load the active account that a proof is about; None if it is forged or over."""
        ...

    def check_code(
        self, session: Session, runtime: Runtime, principal: Account, *, code: str, client: Client
    ) -> DomainError | None:
        """Take a code; return why not, to be raised or shown after the commit."""
        ...

    def offer_factor(self, session: Session, runtime: Runtime, principal: Account) -> None:
        """Make a secret that waits for its first code."""
        ...

    def find_offer(self, session: Session, runtime: Runtime, principal: Account) -> Offer | None:
        """Return what waits for its first code, if anything does."""
        ...

    def confirm_factor(
        self, session: Session, runtime: Runtime, principal: Account, *, code: str, client: Client
    ) -> list[str] | DomainError:
        """Begin to ask for codes; return the recovery codes, or why not, once it is committed."""
        ...
