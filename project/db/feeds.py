"""Feeds: the present state of things that somebody watches, kept up to date.

    async with feeds.watch(ORDER_STATUS, order_id, seconds=600) as states:
        async for state in states: ...

Who watches gets the state at once, then each state that differs from the last one. The latest
wins: a slow reader skips what is out of date, costs one place for one state, and delays nobody.

However many watch, a process holds one connection that listens, and none of the pool while
nothing changes. All that became stale in the meantime, be it one thing that changed or
everything after the listening connection broke, is read with one query per topic.
"""

import asyncio
from collections.abc import Collection
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from loguru import logger
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from project.db.asynchronous import AsyncDatabase
from project.db.notifications import Listener, Topic
from project.errors import DomainError

State = TypeVar("State")
Place = tuple[str, int]
"""A topic's name and the id of something in it."""

PAUSE = 1.0
"""Seconds before stale states are read again after that failed."""

_NOTHING: Any = object()


class Watcher(Generic[State]):
    """One who watches; an async context manager and an async iterator over the states.

    The iteration ends after `seconds`, when the thing is gone, and when the process ends.
    """

    def __init__(self, feeds: "Feeds", topic: Topic[State], key: int, seconds: float) -> None:
        self.topic = topic
        self.place = (topic.name, key)
        self._feeds = feeds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._changed = asyncio.Event()
        self._is_over = False
        self._state: State = _NOTHING

    async def __aenter__(self) -> Self:
        self._feeds.add(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._feeds.remove(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> State:
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._changed.wait()
        except TimeoutError:
            raise StopAsyncIteration from None
        if self._is_over:
            raise StopAsyncIteration
        self._changed.clear()
        return self._state

    def show(self, state: State) -> None:
        """Put the state where the reader finds it; it takes the place of one not yet read."""
        if state != self._state:
            self._state = state
            self._changed.set()

    def end(self) -> None:
        """Let the iteration end, whatever is still unread."""
        self._is_over = True
        self._changed.set()


class Feeds:
    """Everything that is watched in this process. Nothing runs before somebody watches."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._watchers: dict[Place, set[Watcher[Any]]] = {}
        self._stale: dict[Topic[Any], set[int]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._has_stale = asyncio.Event()
        self._is_ending = False

    def __len__(self) -> int:
        """How many watch now."""
        return sum(map(len, self._watchers.values()))

    def watch(self, topic: Topic[State], key: int, *, seconds: float) -> Watcher[State]:
        """Watch one thing for so many seconds at most."""
        return Watcher(self, topic, key, seconds)

    def add(self, watcher: Watcher[Any]) -> None:
        """Let somebody watch: from now on nothing is missed, and the present state comes first."""
        self._watchers.setdefault(watcher.place, set()).add(watcher)
        if self._is_ending:
            watcher.end()
            return
        self._start()
        self._mark_stale(watcher.place)

    def remove(self, watcher: Watcher[Any]) -> None:
        """Forget one who watched."""
        watching = self._watchers[watcher.place]
        watching.discard(watcher)
        if not watching:
            del self._watchers[watcher.place]

    def end_all(self) -> None:
        """Let everybody's iteration end, and that of those who come from now on."""
        self._is_ending = True
        for watcher in self._everybody():
            watcher.end()

    async def close(self) -> None:
        """End everything, and be as new: the next one who watches starts it again."""
        self.end_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._stale.clear()
        self._has_stale = asyncio.Event()  # one that was waited for belongs to its loop
        self._is_ending = False

    def _everybody(self) -> list[Watcher[Any]]:
        return [watcher for watching in self._watchers.values() for watcher in watching]

    def _start(self) -> None:
        if not self._tasks:
            listener = Listener(
                self._database.listening,
                on_notify=self._hear,
                on_connect=self._mark_all_stale,
            )
            # They outlive the request that happens to be the first, and are none of its costs.
            self._tasks = [
                asyncio.create_task(work, context=Context())
                for work in (listener.run(), self._read())
            ]

    def _hear(self, payload: str) -> None:
        name, _, key = payload.rpartition(":")
        if key.isdecimal():
            self._mark_stale((name, int(key)))

    def _mark_all_stale(self) -> None:
        for place in self._watchers:
            self._mark_stale(place)

    def _mark_stale(self, place: Place) -> None:
        for watcher in self._watchers.get(place, ()):
            self._stale.setdefault(watcher.topic, set()).add(place[1])
            self._has_stale.set()

    async def _read(self) -> None:
        """Read what is stale, all there is of a topic at a time, and show it to who watches."""
        while True:
            await self._has_stale.wait()
            self._has_stale.clear()
            stale, self._stale = self._stale, {}
            failed = [topic for topic, keys in stale.items() if not await self._renew(topic, keys)]
            if failed:
                await asyncio.sleep(PAUSE)
            for topic in failed:
                for key in stale[topic]:
                    self._mark_stale((topic.name, key))

    async def _renew(self, topic: Topic[Any], keys: Collection[int]) -> bool:
        """Read and show; False if the database did not answer, or the reading has a fault."""
        try:
            async with self._database.reading() as session:
                states = await session.run_sync(topic.read, keys)
        except (
            DBAPIError,
            PoolTimeoutError,
            DomainError,
        ) as error:  # the database's trouble, or a full gate
            logger.warning("A feed waits to be read", topic=topic.name, reason=type(error).__name__)
            return False
        except Exception:  # noqa: BLE001 - a fault of one topic must not keep the others waiting
            logger.exception("A feed cannot be read", topic=topic.name)
            return False
        for key in keys:
            for watcher in self._watchers.get((topic.name, key), ()):
                watcher.show(states[key]) if key in states else watcher.end()
        return True
