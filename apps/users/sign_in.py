"""Signing in takes two lanes: the database finds the account, the hash lane checks the password.

No connection is held while argon2 works, and a flood of sign-ins fills the hash lane's
queue instead of the pool.
"""

from datetime import timedelta

from apps.users.models import User
from apps.users.passwords import verify_password
from apps.users.queries import find_user_by_email
from apps.users.services import Grant
from apps.users.tokens import AccessTokens
from apps.users.validation import normalise_email
from project.runtime import Runtime
from project.web.transaction import Transactions


async def check_password(runtime: Runtime, *, email: str, password: str) -> User | None:
    """Return the active account with these credentials, after the same time if there is none."""
    user = await Transactions(runtime).run(find_user_by_email, normalise_email(email))
    password_hash = user.password_hash if user else None
    is_right = await runtime.lanes.hash.run(verify_password, password, password_hash)
    return user if user is not None and user.is_active and is_right else None


def access_tokens(runtime: Runtime) -> AccessTokens:
    """Return the signer that the settings describe."""
    minutes = runtime.settings.security.access_token_expire_minutes
    return AccessTokens(runtime.settings.secret_keys, timedelta(minutes=minutes))


def session_lifetime(runtime: Runtime) -> timedelta:
    """Return how long a sign-in can be refreshed."""
    return timedelta(days=runtime.settings.security.refresh_token_expire_days)


def issue_access_token(runtime: Runtime, grant: Grant) -> str:
    """Sign an access token for a grant."""
    return access_tokens(runtime).issue(user_id=grant.user_id, session_id=grant.session_id)
