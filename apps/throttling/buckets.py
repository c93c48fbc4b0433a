"""What is asked of the table: one statement each, in autocommit, timed by the database's clock.

A statement that counts locks what it changes and nothing else, so no count is lost, whichever
workers and hosts ask at once. Refusals write nothing.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

PURGED_AT_ONCE = 500
ROUNDING = 0.001
"""Seconds that steps, which are rounded to microseconds, add up to at most."""


class Drop(NamedTuple):
    """One more for a bucket: what it adds (`step`) and what there is room for, in seconds."""

    key: bytes
    step: float
    size: float


class Level(NamedTuple):
    """What became of a drop, and how full the bucket is, in seconds until it is empty."""

    is_admitted: bool
    seconds: float


FILL = """
    t{n} AS (
        INSERT INTO throttling_bucket AS bucket (key, empty_at)
        SELECT :key{n}, now() + make_interval(secs => :step{n}) {condition}
        ON CONFLICT (key) DO UPDATE
        SET empty_at = greatest(bucket.empty_at, now()) + make_interval(secs => :step{n})
        WHERE greatest(bucket.empty_at, now()) + make_interval(secs => :step{n})
            <= now() + make_interval(secs => :size{n} + {rounding})
        RETURNING extract(epoch FROM empty_at - now())::float8 AS seconds
    )"""
LEVEL_OF = text(
    "SELECT extract(epoch FROM empty_at - now())::float8 FROM throttling_bucket WHERE key = :key"
)
LEVEL = """
    SELECT {n}, (SELECT seconds FROM t{n}),
        (SELECT extract(epoch FROM empty_at - now())::float8
         FROM throttling_bucket WHERE key = :key{n})"""


@cache
def _filling(count: int) -> TextClause:
    """Write the statement for so many buckets, each filled only if the one before had room."""
    conditions = ["", *(f"WHERE EXISTS (SELECT FROM t{n})" for n in range(count - 1))]
    fills = (
        FILL.format(n=n, condition=condition, rounding=ROUNDING)
        for n, condition in enumerate(conditions)
    )
    levels = (LEVEL.format(n=n) for n in range(count))
    return text(f"WITH {','.join(fills)} {' UNION ALL '.join(levels)} ORDER BY 1")


async def fill(connection: AsyncConnection, drops: Sequence[Drop]) -> list[Level]:
    """Put one drop into each bucket, up to the first that has no room for it."""
    values: dict[str, bytes | float] = {}
    for n, drop in enumerate(drops):
        values |= {f"key{n}": drop.key, f"step{n}": drop.step, f"size{n}": drop.size}
    levels: list[Level] = []
    for n, filled, before in await connection.execute(_filling(len(drops)), values):
        if filled is None:
            # A bucket that came to be in this very moment is not seen: take it for full.
            return [*levels, Level(False, drops[n].size if before is None else before)]
        levels.append(Level(True, filled))
    return levels


async def take_back(connection: AsyncConnection, drops: Sequence[Drop]) -> None:
    """Take one drop out of each bucket again; always in the order in which they were filled."""
    taking = text(
        "UPDATE throttling_bucket SET empty_at = empty_at - make_interval(secs => :step) "
        "WHERE key = :key"
    )
    for drop in drops:
        await connection.execute(taking, {"key": drop.key, "step": drop.step})


async def remember(connection: AsyncConnection, key: bytes, *, seconds: float) -> None:
    """Keep a key for so long from now."""
    await connection.execute(
        text(
            "INSERT INTO throttling_bucket AS bucket (key, empty_at) "
            "VALUES (:key, now() + make_interval(secs => :seconds)) "
            "ON CONFLICT (key) DO UPDATE SET empty_at = excluded.empty_at"
        ),
        {"key": key, "seconds": seconds},
    )


async def level_of(connection: AsyncConnection, drop: Drop) -> Level:
    """Tell how full a bucket is and whether there is room for a drop, and put none in."""
    seconds = await connection.scalar(LEVEL_OF, {"key": drop.key}) or 0.0
    return Level(max(0.0, seconds) + drop.step <= drop.size + ROUNDING, seconds)


async def is_remembered(connection: AsyncConnection, key: bytes) -> bool:
    """Whether a key was to be remembered, and still is."""
    asking = text("SELECT true FROM throttling_bucket WHERE key = :key AND empty_at > now()")
    return bool(await connection.scalar(asking, {"key": key}))


async def purge(connection: AsyncConnection) -> None:
    """Delete what is empty, a few rows at a time, and nothing that somebody else has locked."""
    await connection.execute(
        text(
            # A plan may run a subquery more than once, and a CTE it may not.
            "WITH over AS (SELECT key FROM throttling_bucket WHERE empty_at < now() "
            "ORDER BY empty_at LIMIT :limit FOR UPDATE SKIP LOCKED) "
            "DELETE FROM throttling_bucket WHERE key IN (SELECT key FROM over)"
        ),
        {"limit": PURGED_AT_ONCE},
    )
