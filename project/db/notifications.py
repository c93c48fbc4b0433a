"""What changed, told by PostgreSQL itself: NOTIFY at the commit, LISTEN on one connection.

A notification says only that something changed (`orders.status:42`), never to what: whoever
cares reads the state that is committed by then. So nothing is lost when several notifications
become one, and an old one cannot overtake a newer state.

A commit that notifies takes a lock of the whole server for its moment, so such commits happen
one after the other. Notify what somebody waits for, not every row that is written.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

import psycopg
from loguru import logger
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

State = TypeVar("State")

CHANNEL = "lintel"
"""One channel for all topics: the connection that listens never has to be interrupted."""

HEARTBEAT = 15.0
"""Seconds of silence after which the connection is asked whether it lives."""

PATIENCE = 5.0
"""Seconds that it has for the answer."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Topic(Generic[State]):
    """Something that can be watched, by its id.

    `read` gets a session and the ids of which it returns the states; an id that it leaves out
    is gone. It serves all who watch in this process with one query.
    """

    name: str
    read: Callable[[Session, Collection[int]], Mapping[int, State]]


def notify(session: Session, topic: Topic[Any], key: int) -> None:
    """Tell whoever watches it, in every process, once this transaction commits."""
    session.execute(select(func.pg_notify(CHANNEL, f"{topic.name}:{key}")))


class Listener:
    """Listens on one connection, and opens another one whenever it breaks.

    `on_notify` is called with each payload, `on_connect` each time that listening begins:
    what was told before then was not heard.
    """

    def __init__(
        self, engine: Engine, *, on_notify: Callable[[str], None], on_connect: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._on_notify = on_notify
        self._on_connect = on_connect

    async def run(self) -> None:
        """Listen until cancelled."""
        pause = FIRST_PAUSE
        while True:
            began = monotonic()
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:  # a TimeoutError is an OSError
                logger.warning("Listening broke off and begins anew", reason=type(error).__name__)
            except Exception:  # noqa: BLE001 - all streams would stand still for one fault
                logger.exception("Listening broke off and begins anew")
            pause = FIRST_PAUSE if monotonic() - began > LONGEST_PAUSE else pause
            # Processes that lost the same server must not come back at one moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._on_connect()
            while True:
                async with aclosing(connection.notifies(timeout=HEARTBEAT)) as notifications:
                    async for notification in notifications:
                        self._on_notify(notification.payload)
                # A server that vanished without a word would be listened to for ever.
                async with asyncio.timeout(PATIENCE):
                    await connection.execute("SELECT 1")
        finally:
            await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        """Open a connection of the engine's kind, outside its pool."""
        _, arguments = self._engine.dialect.create_connect_args(self._engine.url)
        name = f"{arguments.pop('application_name', 'lintel')} listener"
        return await psycopg.AsyncConnection.connect(
            **arguments, application_name=name, autocommit=True
        )
