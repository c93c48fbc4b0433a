"""Opening an account takes two lanes, as signing in does."""

from apps.users.errors import RegistrationClosed
from apps.users.models import User
from apps.users.passwords import hash_password
from apps.users.services import create_user
from project.runtime import Runtime
from project.web.transaction import Transactions


async def register_account(
    runtime: Runtime, *, email: str, password: str, full_name: str | None
) -> User:
    """Open an account for a stranger. Raises RegistrationClosed or EmailTaken."""
    if not runtime.settings.security.registration_open:
        raise RegistrationClosed
    password_hash = await runtime.lanes.hash.run(hash_password, password)
    return await Transactions(runtime).run(
        create_user, email=email, password_hash=password_hash, full_name=full_name
    )
