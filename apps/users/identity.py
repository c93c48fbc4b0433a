"""This app says who signs in, for the API and for the admin."""

from datetime import timedelta

from sqlalchemy.orm import Session

from apps.users import api_keys, browser, queries, services, sign_in, staff_factor, verified
from apps.users.errors import InvalidToken
from apps.users.models import User
from apps.users.permissions import SignedIn
from apps.users.second_step import TwoFactorSteps
from apps.users.staff_factor import WithheldRights, is_withheld
from apps.users.staff_sign_ins import StaffSignIns
from apps.users.validation import normalise_email
from project.runtime import Runtime
from project.web.client import NOBODY, Client
from project.web.principal import Account, Claims, Principal


class UserAuthenticator(TwoFactorSteps, StaffSignIns):
    """Answers the questions of `project.web.principal.Authenticator` from the users' tables."""

    def verify_token(self, token: str, runtime: Runtime) -> Claims:
        if token.startswith(api_keys.START):
            key = staff_factor.with_requirement(api_keys.read_key(token), runtime)
            return verified.with_requirement(key, runtime)
        claims = sign_in.access_tokens(runtime).verify(token)
        return staff_factor.with_requirement(claims, runtime)

    def load_principal(self, session: Session, claims: Claims) -> Principal:
        if api_keys.MARK in claims:
            return api_keys.load_key_principal(session, claims)
        found = queries.find_signed_in(session, user_id=claims["sub"], session_id=claims["sid"])
        if found is None:
            raise InvalidToken
        return WithheldRights(found.id, found.email) if is_withheld(claims, found) else found

    async def check_password(self, runtime: Runtime, *, email: str, password: str) -> User | None:
        return await sign_in.check_password(runtime, email=email, password=password)

    def require_ready(self, runtime: Runtime, account: Account) -> None:
        assert isinstance(account, User)  # noqa: S101 - its password was compared a moment ago
        verified.require_verified(runtime, account)

    def normalise(self, email: str) -> str:
        return normalise_email(email)

    def ensure_superuser(self, session: Session, *, email: str, password: str) -> bool:
        return services.ensure_superuser(session, email=email, password=password)

    def find_principal(self, session: Session, principal_id: int) -> User | None:
        user = queries.find_user(session, principal_id)
        return user if user is not None and user.is_active else None

    def start_browser_session(
        self,
        session: Session,
        account: Account,
        *,
        lifetime: timedelta,
        client: Client = NOBODY,
        is_code_verified: bool = False,
    ) -> str:
        verified = account.password_hash if isinstance(account, User) else None
        return browser.start_browser_session(
            session,
            user_id=account.id,
            lifetime=lifetime,
            verified_hash=verified,
            is_code_verified=is_code_verified,
            client=client,
        )

    def find_browser_principal(
        self, session: Session, cookie: str, *, idle: timedelta, is_use: bool = True
    ) -> SignedIn | None:
        return browser.find_browser_user(session, cookie=cookie, idle=idle, is_use=is_use)

    def end_browser_session(self, session: Session, cookie: str) -> None:
        browser.end_browser_session(session, cookie=cookie)


authenticator = UserAuthenticator()
