"""USERS_REQUIRE_VERIFIED_EMAIL: an account works only once its address is confirmed.

It is asked wherever access begins or goes on: signing in, to the API and to the admin, each
refresh, and each use of an API key. An access token is not asked: its minutes end by themselves.
"""

from apps.users.errors import EmailNotVerified
from apps.users.models import User
from apps.users.settings import UsersSettings
from project.runtime import Runtime
from project.web.principal import Claims

REQUIRED = "verified_email_required"
"""A claim that no key carries: the settings of the moment add it once a key is read."""


def is_required(runtime: Runtime) -> bool:
    """Whether addresses have to be confirmed here."""
    return runtime.app_settings.of(UsersSettings).require_verified_email


def require_verified(runtime: Runtime, user: User) -> None:
    """Raise EmailNotVerified where addresses have to be confirmed and this one is not."""
    if is_required(runtime) and not user.is_verified:
        raise EmailNotVerified


def with_requirement(claims: Claims, runtime: Runtime) -> Claims:
    """Add what the settings ask of addresses to what an API key says."""
    return {**claims, REQUIRED: True} if is_required(runtime) else claims
