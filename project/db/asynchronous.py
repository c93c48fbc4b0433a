"""The async side: the same units of work for `async def` routes, on a small pool of its own.

For what waits: server-sent events, calls to others. What waits for nothing but the database is
better off in a plain `def` route, whose validation and serialisation run in a thread as well.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)

from project.db.commit import ON_COMMIT, follow_up
from project.db.engine import begin_explicitly
from project.db.reading import ReadingSession
from project.db.replica.positions import (
    AFTER_COMMIT,
    EVERYTHING,
    current_writes,
    parse_position,
)
from project.db.units import only_one
from project.deadline import require_time


class AsyncDatabase:
    """An async engine and its units of work; no connection is opened before one is used.

    The gate lets as many in as the pool has connections, so nobody waits inside the pool. It
    raises past its bounds (`project.web.gate`). `listening` names where LISTEN works.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        gate: AbstractAsyncContextManager[None],
        *,
        listening: Engine | None = None,
    ) -> None:
        self.engine = engine
        self.listening = listening or engine.sync_engine
        self._gate = gate
        transactional = AsyncEngine(begin_explicitly(engine.sync_engine))
        self._sessions = async_sessionmaker(transactional, expire_on_commit=False)
        self._readers = async_sessionmaker(
            engine, sync_session_class=ReadingSession, autoflush=False
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session; commit when the block ends, roll back when it raises or is cancelled.

        Only the edges call this: a request, a task. The commit and the session's end are waited
        for even by who is cancelled: so what `on_commit` was told follows every commit, and a
        place in the gate always means a connection in the pool.
        """
        async with self._gate, self._sessions() as session:
            with only_one():
                yield session
                require_time()
            was_cancelled = await _to_its_end(session.commit())
            if (written := current_writes.get()) is not None:
                written.note(await self._end_of_log())
        if ON_COMMIT in session.info:
            was_cancelled |= await _to_its_end(asyncio.to_thread(follow_up, session.sync_session))
        if was_cancelled:
            raise asyncio.CancelledError

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Yield a session that only reads, in autocommit. Raises WriteRefused for writes."""
        async with self._gate, self._readers() as session:
            with only_one():
                yield session
            if isinstance(session.sync_session, ReadingSession):
                session.sync_session.refuse_changes()

    async def _end_of_log(self) -> int:
        try:
            async with self.engine.connect() as connection:
                return parse_position(str(await connection.scalar(text(AFTER_COMMIT))))
        except SQLAlchemyError:
            return EVERYTHING  # the commit stands, and nobody knows where

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in autocommit, for what counts whatever becomes of the request."""
        async with self._gate, self.engine.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Give all connections back to the server."""
        await self.engine.dispose()


async def _to_its_end(work: Coroutine[Any, Any, object]) -> bool:
    """Wait for something that must not be cut off; tell whether somebody tried to, meanwhile."""
    task, was_cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            was_cancelled = True
    task.result()
    return was_cancelled
