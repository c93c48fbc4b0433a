import factory

from apps.users.models import User
from apps.users.passwords import hash_password
from tests.factories.base import Factory

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
