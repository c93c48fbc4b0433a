"""The second step of the admin's sign-in, from the tables of this app."""

from sqlalchemy.orm import Session

from apps.users import proofs, totp, two_factor
from apps.users.models import User
from apps.users.permissions import SignedIn
from apps.users.staff_factor import is_required_of_staff, lacks_factor
from apps.users.vault import Vault
from project.errors import DomainError
from project.runtime import Runtime
from project.web.client import Client
from project.web.principal import Account
from project.web.second_factor import Offer, SecondStep


class TwoFactorSteps:
    """Answers the questions of `project.web.second_factor.SecondFactor`."""

    def second_step(self, runtime: Runtime, principal: Account) -> SecondStep:
        assert isinstance(principal, User | SignedIn)  # noqa: S101 - this app made them
        if principal.has_two_factor:
            return SecondStep.CODE
        is_missing = is_required_of_staff(runtime) and lacks_factor(principal)
        return SecondStep.ENROLMENT if is_missing else SecondStep.NONE

    def issue_proof(self, runtime: Runtime, principal: Account) -> str:
        return proofs.issue_proof(_account(principal), runtime.settings.secret_keys)

    def find_proven(self, session: Session, runtime: Runtime, proof: str) -> User | None:
        return proofs.find_proven(session, proof, runtime.settings.secret_keys)

    def check_code(
        self, session: Session, runtime: Runtime, principal: Account, *, code: str, client: Client
    ) -> DomainError | None:
        return two_factor.check_code(
            session, user_id=principal.id, code=code, vault=vault_of(runtime), client=client
        )

    def offer_factor(self, session: Session, runtime: Runtime, principal: Account) -> None:
        two_factor.offer(session, user_id=principal.id, vault=vault_of(runtime))

    def find_offer(self, session: Session, runtime: Runtime, principal: Account) -> Offer | None:
        secret = two_factor.find_offer(session, user_id=principal.id, vault=vault_of(runtime))
        return None if secret is None else offer_of(runtime, principal.email, secret)

    def confirm_factor(
        self, session: Session, runtime: Runtime, principal: Account, *, code: str, client: Client
    ) -> list[str] | DomainError:
        return two_factor.confirm(
            session, user_id=principal.id, code=code, vault=vault_of(runtime), client=client
        )


def vault_of(runtime: Runtime) -> Vault:
    """Return what encrypts secrets, with the keys of the settings."""
    return Vault(runtime.settings.secret_keys)


def offer_of(runtime: Runtime, email: str, secret: bytes) -> Offer:
    """Write a secret as people type it and as QR codes carry it."""
    issuer = runtime.settings.general.site_name
    return Offer(totp.as_text(secret), totp.as_uri(secret, account=email, issuer=issuer))


def _account(principal: Account) -> User:
    assert isinstance(principal, User)  # noqa: S101 - the password was compared with its hash
    return principal
