"""API keys: `lk_<prefix>_<secret>`, for programs that act for an account.

The secret is 256 random bits, so one SHA-256 keeps it as well as argon2 would, and costs
nothing. A key acts as its owner in the owner's own affairs. Of the owner's permissions it has
those among its scopes, and only while the owner holds them; it is never staff, nor superuser.
"""

import hashlib
import re
import secrets
import uuid
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from loguru import logger
from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from apps.users import verified
from apps.users.errors import (
    ApiKeyNotFound,
    EmailNotVerified,
    InvalidToken,
    TooManyKeys,
    UnknownPermission,
)
from apps.users.key_use import note_use
from apps.users.models import ApiKey, User
from apps.users.permissions import USERS, SignedIn, held_by
from apps.users.queries import find_signed_in
from apps.users.staff_factor import WithheldRights, is_withheld
from project.db.keyset import Order, Slice, fetch_page
from project.errors import PermissionDenied
from project.permissions import Permissions
from project.web.principal import Claims, Principal

START = "lk_"
MARK = "api_key"
"""The claim by which what an API key says differs from what an access token says."""

FORM = re.compile(r"lk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
KEYS = ApiKey.__table__
KEYS_PER_ACCOUNT = 20
KEPT = timedelta(days=90)
"""How long a key that is over is kept: until then the log and the admin can say whose it was."""

BY_ID = Order("id", (ApiKey.id,))


class NewKey(NamedTuple):
    """A key's row, and the key itself, which nobody will see again."""

    row: ApiKey
    token: str


# Built once: the key, its owner and what the owner holds, with one statement.
USABLE = (
    select(
        *(USERS.c.id, USERS.c.email, USERS.c.is_staff, USERS.c.is_superuser),
        *(USERS.c.has_two_factor, USERS.c.verified_email),
        KEYS.c.id.label("key_id"),
        KEYS.c.scopes,
        held_by(USERS.c.id).label("held"),
    )
    .join_from(KEYS, USERS, USERS.c.id == KEYS.c.user_id)
    .where(
        KEYS.c.prefix == bindparam("prefix"),
        KEYS.c.secret_hash == bindparam("secret_hash"),
        KEYS.c.revoked_at.is_(None),
        KEYS.c.expires_at > func.now(),
        USERS.c.is_active,
    )
)


def read_key(token: str) -> Claims:
    """Return what to look the key up by. Raises InvalidToken for what cannot be one."""
    form = FORM.fullmatch(token)
    if form is None:
        raise InvalidToken
    return MappingProxyType({MARK: form[1], "hash": _hash(token)})


def load_key_principal(session: Session, claims: Claims) -> SignedIn | WithheldRights:
    """Load the owner of a key with the rights that the key has.

    Raises InvalidToken, and EmailNotVerified where the owner's address has to be confirmed.
    """
    values = {"prefix": claims[MARK], "secret_hash": claims["hash"]}
    found = session.execute(USABLE, values).one_or_none()
    if found is None:
        raise InvalidToken
    if verified.REQUIRED in claims and found.verified_email != found.email:
        raise EmailNotVerified
    scopes = frozenset(found.scopes)
    held = scopes if found.is_superuser else scopes.intersection(found.held)
    note_use(found.key_id)
    logger.info("Called with an API key", api_key=claims[MARK], user_id=found.id)
    if is_withheld(claims, found):
        return WithheldRights(found.id, found.email)
    return SignedIn((found.id, found.email, False, False, False), held=held)


def create_key(
    session: Session,
    *,
    owner: Principal,
    session_id: uuid.UUID,
    name: str,
    scopes: frozenset[str],
    lifetime: timedelta,
    known: Permissions,
) -> NewKey:
    """Make a key for whoever is signed in.

    Raises UnknownPermission, PermissionDenied, TooManyKeys, and InvalidToken if the sign-in has
    ended meanwhile.
    """
    for scope in sorted(scopes):
        if scope not in known:
            raise UnknownPermission(f"One of the scopes is unknown: {known.advise(scope)}")
        if not owner.has_permission(scope):
            raise PermissionDenied(scope)
    _lock_signed_in(session, owner.id, session_id)
    _refuse_too_many(session, owner.id)
    prefix = secrets.token_hex(4)
    token = f"{START}{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        user_id=owner.id,
        name=name,
        prefix=prefix,
        secret_hash=_hash(token),
        scopes=sorted(scopes),
        expires_at=func.now() + lifetime,
    )
    session.add(row)
    session.flush()  # row.id, and the times that the database tells
    logger.info("Made an API key", api_key=prefix, user_id=owner.id)
    return NewKey(row, token)


def list_keys(session: Session, *, user_id: int, limit: int, cursor: str | None) -> Slice[ApiKey]:
    """Return a page of an account's keys, oldest first; those that were revoked are gone."""
    own = select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return fetch_page(session, own, BY_ID, limit=limit, cursor=cursor)


def revoke_key(session: Session, *, user_id: int, key_id: int) -> None:
    """End one of an account's keys at once. Raises ApiKeyNotFound."""
    prefix = session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.prefix)
    )
    if prefix is None:
        raise ApiKeyNotFound
    logger.info("Revoked an API key", api_key=prefix, user_id=user_id)


def revoke_keys(session: Session, *, user_id: int) -> None:
    """End all of an account's keys at once."""
    in_force = update(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    session.execute(in_force.values(revoked_at=func.now()))


def purge_keys(session: Session, *, limit: int) -> int:
    """Delete keys that have long expired or been revoked; return how many, `limit` at most."""
    long_ago = func.now() - KEPT
    is_over = or_(ApiKey.expires_at < long_ago, ApiKey.revoked_at < long_ago)
    over = select(ApiKey.id).where(is_over).limit(limit).with_for_update(skip_locked=True).cte()
    statement = delete(ApiKey).where(ApiKey.id.in_(select(over.c.id))).returning(ApiKey.id)
    return len(session.scalars(statement.execution_options(synchronize_session=False)).all())


def _lock_signed_in(session: Session, user_id: int, session_id: uuid.UUID) -> None:
    """Lock the account, then look once more whether it is signed in. Raises InvalidToken.

    Whatever ends access, another password say, changes the account first. What was committed
    while this waited for the lock has revoked the keys that were there, and would miss this one.
    """
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    if find_signed_in(session, user_id=user_id, session_id=session_id) is None:
        raise InvalidToken


def _refuse_too_many(session: Session, user_id: int) -> None:
    """Count the keys in force; the account is locked, so one request comes after the other."""
    in_force = select(func.count()).where(
        ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None), ApiKey.expires_at > func.now()
    )
    if (session.scalar(in_force) or 0) >= KEYS_PER_ACCOUNT:
        raise TooManyKeys


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
