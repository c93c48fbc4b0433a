from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_hex, token_urlsafe

import factory

from apps.users.models import ApiKey, Group, GroupPermission, User, UserGroup, UserPermission
from apps.users.passwords import hash_password
from tests.factories.base import Factory, current_session

PASSWORD = "correct horse battery"

# Hashed once: argon2 is slow on purpose, and which password it is rarely matters.
_password_hash = hash_password(PASSWORD)


class UserFactory(Factory):
    """An ordinary account whose password is PASSWORD."""

    class Meta:
        model = User

    class Params:
        staff = factory.Trait(is_staff=True)
        superuser = factory.Trait(is_staff=True, is_superuser=True)
        disabled = factory.Trait(is_active=False)

    email = factory.Sequence(lambda number: f"user{number}@example.com")
    full_name = factory.Faker("name")
    password_hash = _password_hash


class GroupFactory(Factory):
    """A group that gives nothing."""

    class Meta:
        model = Group

    name = factory.Sequence(lambda number: f"Group {number}")


class ApiKeyFactory(Factory):
    """A key without scopes; the key itself is what `token_for` returns."""

    class Meta:
        model = ApiKey

    class Params:
        token = factory.LazyFunction(lambda: f"lk_{token_hex(4)}_{token_urlsafe(32)}")

    name = "Robot"
    prefix = factory.LazyAttribute(lambda key: key.token[3:11])
    secret_hash = factory.LazyAttribute(lambda key: sha256(key.token.encode()).digest())
    scopes = factory.LazyFunction(list)
    expires_at = factory.LazyFunction(lambda: datetime.now(UTC) + timedelta(days=1))

    @classmethod
    def token_for(cls, user: User, *, scopes: Sequence[str] = ()) -> str:
        """Make a key for somebody and return it."""
        token = f"lk_{token_hex(4)}_{token_urlsafe(32)}"
        cls.create(user_id=user.id, scopes=list(scopes), token=token)
        return token


def grant(user: User, *permissions: str, group: Group | None = None) -> User:
    """Give an account permissions of its own, and a place in a group."""
    session = current_session()
    session.add_all(UserPermission(user_id=user.id, permission=name) for name in permissions)
    if group is not None:
        session.add(UserGroup(user_id=user.id, group_id=group.id))
    session.commit()
    return user


def role(*permissions: str) -> Group:
    """Make a group that gives these permissions."""
    group: Group = GroupFactory.create()
    session = current_session()
    session.add_all(GroupPermission(group_id=group.id, permission=name) for name in permissions)
    session.commit()
    return group
