"""When API keys were last used: noted in memory, written now and then.

A GET cannot write, and no request should wait for a note, or fail for it. So uses gather in the
process, and one statement a minute writes them. A crash forgets a minute.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock

from loguru import logger
from sqlalchemy import func, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from apps.users.models import ApiKey
from project.errors import DomainError
from project.runtime import Runtime
from project.web.transaction import Transactions

INTERVAL = 60.0

_lock = Lock()
_used: set[int] = set()


def note_use(key_id: int) -> None:
    """Remember that a key was used."""
    with _lock:
        _used.add(key_id)


def record_uses(session: Session, *, key_ids: Iterable[int]) -> None:
    """Write that keys have been used."""
    session.execute(
        update(ApiKey).where(ApiKey.id.in_(list(key_ids))).values(last_used_at=func.now())
    )


async def write_uses(runtime: Runtime) -> None:
    """Write what has been noted; what cannot be written now is noted again."""
    with _lock:
        noted = set(_used)
        _used.clear()
    if not noted:
        return
    try:
        await Transactions(runtime).run(record_uses, key_ids=noted)
    except (SQLAlchemyError, DomainError) as error:
        logger.warning("Could not write when API keys were used: {}", type(error).__name__)
        with _lock:
            _used.update(noted)


async def keep_writing(runtime: Runtime) -> None:
    """Write once a minute, until cancelled."""
    while True:
        await asyncio.sleep(INTERVAL)
        await write_uses(runtime)


async def stop_writing(task: asyncio.Task[None], runtime: Runtime) -> None:
    """End with the server, after what was noted last."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await write_uses(runtime)
