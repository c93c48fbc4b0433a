"""USERS_TWO_FACTOR_REQUIRED_FOR_STAFF: without a second factor, rights are withheld."""

from typing import Protocol

from apps.users.errors import StaffNeedsTwoFactor
from apps.users.settings import UsersSettings
from project.runtime import Runtime
from project.web.principal import Claims

REQUIRED = "two_factor_required_for_staff"
"""A claim that no token carries: the settings of the moment add it once a token is verified."""


class Account(Protocol):
    @property
    def is_staff(self) -> bool: ...
    @property
    def is_superuser(self) -> bool: ...
    @property
    def has_two_factor(self) -> bool: ...


class WithheldRights:
    """Somebody of the staff who has no second factor: an ordinary account until a right is asked
    for. Then the answer is how to get it, not that there is none."""

    has_two_factor = False

    def __init__(self, account_id: int, email: str) -> None:
        self.id = account_id
        self.email = email

    @property
    def is_staff(self) -> bool:
        raise StaffNeedsTwoFactor

    is_superuser = is_staff

    def has_permission(self, _name: str) -> bool:
        """Refuse: it is not said which of them the account would hold."""
        raise StaffNeedsTwoFactor


def with_requirement(claims: Claims, runtime: Runtime) -> Claims:
    """Add what the settings ask of staff to what a token says."""
    is_required = is_required_of_staff(runtime)
    return {**claims, REQUIRED: True} if is_required else claims


def is_required_of_staff(runtime: Runtime) -> bool:
    """Whether staff needs a second factor here."""
    return runtime.app_settings.of(UsersSettings).two_factor_required_for_staff


def is_withheld(claims: Claims, account: Account) -> bool:
    """Whether this account has rights that it may not use as it is."""
    return claims.get(REQUIRED, False) and lacks_factor(account)


def lacks_factor(account: Account) -> bool:
    """Whether this is staff without a second factor."""
    return (account.is_staff or account.is_superuser) and not account.has_two_factor
