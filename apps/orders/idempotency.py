"""A retry is answered as the first attempt was, and orders nothing.

A client that did not hear the answer cannot know whether its order was placed. It sends the
same request again under the same `Idempotency-Key`. The key is claimed by an INSERT in the
order's own transaction: a parallel attempt waits at the unique index until the first commits,
then finds its answer; if the first rolls back, nothing is left of its claim and the next one
takes over. So only success is remembered: what failed for want of stock may succeed later.

A key belongs to an account, and to the one route that asks for it.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from apps.orders.errors import IdempotencyKeyReused
from apps.orders.models import IdempotencyKey

LIFETIME = timedelta(hours=24)
"""Longer than any client retries without a person, and what payment services promise, too."""

SWEEP = 20
"""Expired keys that each new one clears away: more go than come, and no request pays for many."""


class Answer(NamedTuple):
    """What the first attempt was told."""

    status: int
    body: str


class Claim(NamedTuple):
    """A key in force. Without an answer the attempt that claimed it is the one that counts."""

    key_id: int
    answer: Answer | None


def claim_key(session: Session, *, user_id: int, key: str, quantities: Mapping[int, int]) -> Claim:
    """Claim the key for this attempt, or find what an earlier one was told.

    Raises IdempotencyKeyReused if the key stands for an order of something else.
    """
    fingerprint = _fingerprint(quantities)
    key_id = _insert_key(session, user_id, key, fingerprint)
    if key_id is not None:
        _sweep(session)
        return Claim(key_id, None)
    known = session.scalars(
        select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    ).one()
    if known.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return Claim(known.id, Answer(known.status, known.body))


def keep_answer(session: Session, *, claim: Claim, answer: Answer) -> None:
    """Write down, under a key that was claimed, what this attempt is about to be told."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.id == claim.key_id)
        .values(status=answer.status, body=answer.body)
    )


def _insert_key(session: Session, user_id: int, key: str, fingerprint: bytes) -> int | None:
    """Insert the key, or take an expired one over; None if it is in force already."""
    values = {"fingerprint": fingerprint, "created_at": func.now()}
    statement = insert(IdempotencyKey).values(user_id=user_id, key=key, **values)
    claim = statement.on_conflict_do_update(
        index_elements=[IdempotencyKey.user_id, IdempotencyKey.key],
        set_=values,
        where=IdempotencyKey.created_at < func.now() - LIFETIME,
    )
    return session.scalar(claim.returning(IdempotencyKey.id))


def _sweep(session: Session) -> None:
    """Delete some expired keys, past those that somebody else is busy with."""
    expired = (
        select(IdempotencyKey.id)
        .where(IdempotencyKey.created_at < func.now() - LIFETIME)
        .order_by(IdempotencyKey.created_at)
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
        .cte()  # a plan may run a subquery more than once, and delete more each time
    )
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.id.in_(select(expired.c.id))),
        execution_options={"synchronize_session": False},
    )


def _fingerprint(quantities: Mapping[int, int]) -> bytes:
    """Hash what is ordered, not how it was written: spaces and order of lines do not count."""
    written = ",".join(f"{item}:{quantity}" for item, quantity in sorted(quantities.items()))
    return hashlib.sha256(written.encode()).digest()
