"""Opening an account takes two lanes, as signing in does."""

from sqlalchemy.orm import Session

from apps.users.email_flows import send_verification
from apps.users.errors import RegistrationClosed
from apps.users.models import User
from apps.users.passwords import hash_new_password
from apps.users.services import create_user
from project.runtime import Runtime
from project.web.transaction import Transactions


async def register_account(
    runtime: Runtime, *, email: str, password: str, full_name: str | None
) -> User:
    """Open an account for a stranger. Raises RegistrationClosed or EmailTaken."""
    if not runtime.settings.security.registration_open:
        raise RegistrationClosed
    password_hash = await runtime.lanes.hash.run(
        hash_new_password, password, email=email, full_name=full_name
    )
    return await Transactions(runtime).run(
        _open_account, runtime, email=email, password_hash=password_hash, full_name=full_name
    )


def _open_account(
    session: Session, runtime: Runtime, *, email: str, password_hash: str, full_name: str | None
) -> User:
    """Create the account; its owner gets a link that confirms the address."""
    user = create_user(session, email=email, password_hash=password_hash, full_name=full_name)
    send_verification(session, runtime, user=user)
    return user
