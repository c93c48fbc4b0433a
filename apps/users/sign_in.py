"""Signing in takes two lanes: the database finds the account, the hash lane checks the password.

No connection is held while argon2 works, and a flood of sign-ins fills the hash lane's
queue instead of the pool.
"""

from datetime import timedelta

from apps.users.credentials import replace_hash
from apps.users.models import User
from apps.users.passwords import judge_password
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
    verdict = await runtime.lanes.hash.run(judge_password, password, password_hash)
    if user is None or not (user.is_active and verdict.is_right):
        return None
    if verdict.better_hash is not None:
        await _renew_hash(runtime, user, verdict.better_hash)
    return user


async def _renew_hash(runtime: Runtime, user: User, better: str) -> None:
    """Keep the password under today's parameters: one hop more, once for each account.

    `user` is detached; what it says is compared when the session begins.
    """
    if await Transactions(runtime).run(
        replace_hash, user_id=user.id, old=user.password_hash, new=better
    ):
        user.password_hash = better


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
