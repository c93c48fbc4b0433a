"""The second factor: setting it up, asking for it, taking it away.

Whoever changes something locks the factor's row first, then the account, then its sessions.
"""

import hashlib
import secrets
import uuid
from base64 import b32encode
from datetime import timedelta
from math import ceil
from typing import NamedTuple

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from apps.users import services, totp
from apps.users.errors import (
    CodeRefused,
    CodeRequired,
    TwoFactorActive,
    TwoFactorInactive,
    TwoFactorLocked,
    TwoFactorNotOffered,
    WrongCode,
)
from apps.users.events import log_event
from apps.users.models import RecoveryCode, TwoFactor, User
from apps.users.services import Grant
from apps.users.sign_ins import end_sessions
from apps.users.vault import Unreadable, Vault
from project.errors import DomainError
from project.web.client import NOBODY, Client

OFFER_LIFETIME = timedelta(minutes=15)
RECOVERY_CODES = 10
RECOVERY_BYTES = 15  # 120 bits: enough for a plain hash (OWASP ASVS 6.5.2)
GROUP = 4

FAILURES = 5
LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(days=1)


class _Held(NamedTuple):
    """A factor's row, locked, and the seconds for which it takes no codes."""

    factor: TwoFactor
    locked_seconds: float
    is_fresh: bool


# -- signing in -----------------------------------------------------------------------------


def begin_session(
    session: Session,
    *,
    user: User,
    code: str | None,
    vault: Vault,
    lifetime: timedelta,
    client: Client = NOBODY,
) -> Grant | DomainError:
    """Begin a session for somebody whose password was right, if the second factor is, too.

    A refusal is returned, not raised: what was counted shall be committed first.
    """
    if user.has_two_factor:
        refusal = check_code(session, user_id=user.id, code=code, vault=vault, client=client)
        if refusal is not None:
            return refusal
    return services.start_session(
        session,
        user_id=user.id,
        lifetime=lifetime,
        verified_hash=user.password_hash,
        is_code_verified=user.has_two_factor,
        client=client,
    )


def check_code(
    session: Session, *, user_id: int, code: str | None, vault: Vault, client: Client = NOBODY
) -> DomainError | None:
    """Take a code of the app, or a recovery code; return why not, to be raised after the commit.

    Each code works once. Five wrong ones in a row lock the factor, the next five for longer;
    recovery codes work all the same, since nobody guesses one.
    """
    if not code:
        return CodeRequired()
    held = _lock(session, user_id)
    if held is None or held.factor.confirmed_at is None:
        return WrongCode()
    if _use_recovery_code(session, user_id, code, client):
        _forget_failures(session, held.factor)
        return None
    if held.locked_seconds > 0:
        return TwoFactorLocked(retry_after=ceil(held.locked_seconds))
    if not _take(held.factor, code, vault):
        return _count_failure(session, user_id, client)
    _forget_failures(session, held.factor)
    return None


# -- setting it up --------------------------------------------------------------------------


def offer(session: Session, *, user_id: int, vault: Vault) -> bytes:
    """Make a secret that becomes the factor once a code of it was shown to us.

    An offer that waits is replaced. Raises TwoFactorActive.
    """
    secret = totp.new_secret()
    sealed = vault.seal(secret, owner=user_id)
    fresh = {"sealed_secret": sealed, "created_at": func.now(), "failures": 0}
    statement = insert(TwoFactor).values(user_id=user_id, **fresh)
    made = session.scalar(
        statement.on_conflict_do_update(
            index_elements=[TwoFactor.user_id], set_=fresh, where=TwoFactor.confirmed_at.is_(None)
        ).returning(TwoFactor.user_id)
    )
    if made is None:
        raise TwoFactorActive
    return secret


def find_offer(session: Session, *, user_id: int, vault: Vault) -> bytes | None:
    """Return the secret that waits to be confirmed, if there is one."""
    held = _lock(session, user_id)
    if held is None or held.factor.confirmed_at is not None or not held.is_fresh:
        return None
    return _open(held.factor, vault)


def confirm(
    session: Session,
    *,
    user_id: int,
    code: str,
    vault: Vault,
    keep: uuid.UUID | None = None,
    client: Client = NOBODY,
) -> list[str] | CodeRefused:
    """Turn the offer into the factor; return the recovery codes, which nobody sees again.

    Ends all sessions but the one to keep. A wrong code is counted, and the fifth withdraws the
    offer: the refusal is returned, to be raised after the commit. Raises TwoFactorActive and
    TwoFactorNotOffered.
    """
    held = _lock(session, user_id)
    if held is None or not held.is_fresh:
        raise TwoFactorNotOffered
    if held.factor.confirmed_at is not None:
        raise TwoFactorActive
    if not _take(held.factor, code, vault):
        return _count_miss(session, held.factor, client)
    held.factor.confirmed_at, held.factor.failures = func.now(), 0
    session.flush()  # the factor before the flag that asks for it
    _set_flag(session, user_id, has_two_factor=True)
    end_sessions(session, user_id=user_id, keep=keep)
    log_event("two_factor_on", "A second factor was set up", user_id=user_id, client=client)
    return _replace_recovery_codes(session, user_id)


def _count_miss(session: Session, factor: TwoFactor, client: Client) -> CodeRefused:
    """Count a wrong first code; the fifth takes the offer back. The row is locked."""
    factor.failures += 1
    is_withdrawn = factor.failures >= FAILURES
    if is_withdrawn:
        session.delete(factor)
    session.flush()  # counted before anybody is told
    sentence = "Wrong codes have withdrawn an offer" if is_withdrawn else "A first code was wrong"
    event = "two_factor_withdrawn" if is_withdrawn else "two_factor_failed"
    log_event(event, sentence, user_id=factor.user_id, client=client, is_alarming=True)
    return CodeRefused()


def renew_recovery_codes(
    session: Session, *, user_id: int, keep: uuid.UUID | None = None, client: Client = NOBODY
) -> list[str]:
    """Replace all recovery codes, used or not. Raises TwoFactorInactive."""
    held = _lock(session, user_id)
    if held is None or held.factor.confirmed_at is None:
        raise TwoFactorInactive
    end_sessions(session, user_id=user_id, keep=keep)
    log_event("recovery_codes_on", "Recovery codes were renewed", user_id=user_id, client=client)
    return _replace_recovery_codes(session, user_id)


def remove(
    session: Session, *, user_id: int, keep: uuid.UUID | None = None, client: Client = NOBODY
) -> None:
    """Let the password be enough again, and end all sessions but the one to keep.

    Raises TwoFactorInactive.
    """
    held = _lock(session, user_id)
    if held is None or held.factor.confirmed_at is None:
        raise TwoFactorInactive
    session.delete(held.factor)
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.flush()  # all or nothing
    _set_flag(session, user_id, has_two_factor=False)
    end_sessions(session, user_id=user_id, keep=keep)
    log_event("two_factor_off", "A second factor was removed", user_id=user_id, client=client)


def count_recovery_codes(session: Session, *, user_id: int) -> int:
    """Return how many recovery codes are left."""
    statement = select(func.count()).where(RecoveryCode.user_id == user_id)
    return session.scalar(statement) or 0


# -- the row --------------------------------------------------------------------------------


def _lock(session: Session, user_id: int) -> _Held | None:
    """Lock the factor's row, so that of two requests with the same code one comes second."""
    now = func.clock_timestamp()  # after the wait for the lock
    found = session.execute(
        select(
            TwoFactor,
            func.coalesce(func.extract("epoch", TwoFactor.locked_until - now), 0),
            TwoFactor.created_at > now - OFFER_LIFETIME,
        )
        .where(TwoFactor.user_id == user_id)
        .with_for_update(of=TwoFactor)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return None if found is None else _Held(found[0], float(found[1]), found[2])


def _take(factor: TwoFactor, code: str, vault: Vault) -> bool:
    """Use up the half minute that a code belongs to; False if it belongs to none that is left."""
    secret = _open(factor, vault)
    if secret is None:
        return False
    step = totp.find_step(secret, "".join(code.split()), now=totp.current_step())
    if step is None or step <= factor.last_step:
        return False
    factor.last_step = step
    if not vault.is_current(factor.sealed_secret):
        factor.sealed_secret = vault.seal(secret, owner=factor.user_id)
    return True


def _open(factor: TwoFactor, vault: Vault) -> bytes | None:
    try:
        return vault.open(factor.sealed_secret, owner=factor.user_id)
    except Unreadable:
        log_event(
            "two_factor_unreadable",
            "A second factor's secret cannot be decrypted: is a key missing in "
            "SECRET_KEY_FALLBACKS?",
            user_id=factor.user_id,
            is_alarming=True,
        )
        return None


def _forget_failures(session: Session, factor: TwoFactor) -> None:
    factor.failures, factor.locked_until = 0, None
    session.flush()  # that the code was used goes before the session that it begins


def _count_failure(session: Session, user_id: int, client: Client) -> DomainError:
    """Count a wrong code; each fifth in a row locks, twice as long as the one before."""
    failures = TwoFactor.failures + 1
    seconds = func.least(
        LOCK.total_seconds() * func.power(2, func.least(failures // FAILURES, 30) - 1),
        LONGEST_LOCK.total_seconds(),
    )
    lock = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    counted = session.scalar(
        update(TwoFactor)
        .where(TwoFactor.user_id == user_id)
        .values(
            failures=failures,
            locked_until=case((failures % FAILURES == 0, lock), else_=TwoFactor.locked_until),
        )
        .returning(TwoFactor.failures)
        .execution_options(synchronize_session=False)
    )
    is_locked = counted is not None and counted % FAILURES == 0
    sentence = "Wrong codes have locked a second factor" if is_locked else "A code was wrong"
    event = "two_factor_locked" if is_locked else "two_factor_failed"
    log_event(event, sentence, user_id=user_id, client=client, is_alarming=True)
    return WrongCode()


def _set_flag(session: Session, user_id: int, *, has_two_factor: bool) -> None:
    session.execute(update(User).where(User.id == user_id).values(has_two_factor=has_two_factor))


# -- recovery codes -------------------------------------------------------------------------


def _replace_recovery_codes(session: Session, user_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in codes)
    session.flush()  # codes are handed out only if they are stored
    return codes


def _new_recovery_code() -> str:
    text = b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def _hash(code: str) -> bytes:
    """Return what the database keeps of a recovery code, however it was typed in."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode()).digest()


def _use_recovery_code(session: Session, user_id: int, code: str, client: Client) -> bool:
    used = session.scalar(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(code))
        .returning(RecoveryCode.user_id)
    )
    if used is not None:
        log_event("recovery_code_used", "A recovery code was used", user_id=user_id, client=client)
    return used is not None
