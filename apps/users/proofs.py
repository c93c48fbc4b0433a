"""A proof that the password was right, for the minutes until the second factor is shown.

Nothing is stored. It names the account and its end, and is signed together with the password's
hash, so that a change of the password ends it.
"""

import hmac
import time
from collections.abc import Sequence

from sqlalchemy.orm import Session

from apps.users.models import User
from apps.users.queries import find_user

LIFETIME = 300
LONGEST = 200


def issue_proof(user: User, secret_keys: Sequence[str]) -> str:
    """Return a proof that is good for five minutes."""
    statement = f"{user.id}.{int(time.time()) + LIFETIME}"
    return f"{statement}.{_sign(statement, user, secret_keys[0])}"


def find_proven(session: Session, proof: str, secret_keys: Sequence[str]) -> User | None:
    """Return the active account that a proof is about; None if it is forged or over."""
    statement, _, signature = proof.rpartition(".")
    user_id, _, end = statement.partition(".")
    if not (_is_number(user_id) and _is_number(end)) or int(end) <= time.time():
        return None
    user = find_user(session, int(user_id))
    if user is None or not user.is_active:
        return None
    offered = signature.encode()
    genuine = [
        hmac.compare_digest(_sign(statement, user, key).encode(), offered) for key in secret_keys
    ]
    return user if any(genuine) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(2**63))


def _sign(statement: str, user: User, secret: str) -> str:
    key = hmac.digest(secret.encode(), b"first-step", "sha256")
    return hmac.new(key, f"{statement}.{user.password_hash}".encode(), "sha256").hexdigest()
