"""Connections: how many are taken, who waits for one, and who did so in vain.

SQLAlchemy has events for connections that change hands and none for those that wait. All waiting is
in `QueuePool._do_get`, which is private: a contract test holds it to what is used of it here.
"""

from time import perf_counter
from weakref import WeakKeyDictionary

from sqlalchemy import AsyncAdaptedQueuePool, QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry


class Watched:
    """A pool, and what happened at its door."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting = 0
        self.timeouts = 0
        self.wait_seconds = 0.0


_watched: "WeakKeyDictionary[QueuePool, Watched]" = WeakKeyDictionary()


def watch_pools() -> None:
    """Watch every pool of this process from now on; before the application is made."""
    original = QueuePool._do_get  # noqa: SLF001 - see above

    def get_and_count(pool: QueuePool) -> ConnectionPoolEntry:
        watched = _watched.get(pool) or _begin(pool)
        watched.waiting += 1
        began = perf_counter()
        try:
            return original(pool)
        except PoolTimeout as error:
            if not hasattr(error, "is_counted"):  # it calls itself where others were quicker
                error.is_counted = True  # type: ignore[attr-defined]
                watched.timeouts += 1
            raise
        finally:
            watched.waiting -= 1
            watched.wait_seconds += perf_counter() - began

    QueuePool._do_get = get_and_count  # type: ignore[assignment,method-assign] # noqa: SLF001


def pools() -> list[tuple[QueuePool, Watched]]:
    """Return the pools that somebody has taken a connection from."""
    return list(_watched.items())


def _begin(pool: QueuePool) -> Watched:
    kind = "async" if isinstance(pool, AsyncAdaptedQueuePool) else "database"
    same = sum(known.name.startswith(kind) for known in _watched.values())
    return _watched.setdefault(pool, Watched(f"{kind} {same + 1}" if same else kind))
