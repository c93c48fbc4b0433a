"""How the workers of one server share its connections evenly.

All workers wait at one listening socket, and the kernel wakes whoever waits there: the worker that
is quickest, or has just been busy there, takes connections by the dozen, and clients keep them
for long. So each worker writes on a board how many connections it has. One that has more
than the others steps back for a moment and leaves the next connection to them; what
nobody has taken by then it takes itself, so a worker that hangs costs milliseconds.

The socket stays one, held by the supervisor as well: with a socket for each worker (SO_REUSEPORT)
what waits in the queue of a worker that ends would be reset, and the kernel's hash shares
32 connections over 4 workers no better than dice do.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from multiprocessing.sharedctypes import RawArray, RawValue
from typing import Any

import uvicorn

from project.management.lingering import LingeringServer

logger = logging.getLogger("uvicorn.error")

STEP_BACK = 0.005
"""Seconds in which a worker with more than its share leaves new connections to the others."""

BATCH = 4
"""Connections that it takes at once if nobody else has."""

RECOVERY = 1.0
"""Seconds to wait when the system has no room for another connection."""

ABSENT = -1


class Board:
    """What workers tell each other and the supervisor, in memory that they share."""

    def __init__(self, seats: int) -> None:
        self._connections = RawArray("l", [ABSENT] * seats)
        self._requests = RawArray("l", seats)
        self._delay = RawValue("d", 0.0)
        self._taken = [False] * seats  # the supervisor's own; workers get a copy and never look

    def take_seat(self) -> int:
        """Return the number of a free seat; the supervisor calls this, for a new worker."""
        seat = self._taken.index(False)
        self._taken[seat] = True
        self._requests[seat] = 0
        return seat

    def leave_seat(self, seat: int) -> None:
        """Free the seat of a worker that has ended."""
        self.tell(seat, connections=ABSENT)
        self._taken[seat] = False

    def tell(self, seat: int, *, connections: int, requests: int | None = None) -> None:
        self._connections[seat] = connections
        if requests is not None:
            self._requests[seat] = requests

    @property
    def delay(self) -> float:
        """Seconds that a worker lingers when it is told to end: none, if others go on."""
        return float(self._delay.value)

    def linger(self, seconds: float) -> None:
        """Let the workers linger, since all of them will be told to end."""
        self._delay.value = seconds

    def requests_of(self, seat: int) -> int:
        return int(self._requests[seat])

    def has_served(self, seat: int) -> bool:
        """Tell whether the worker in this seat takes connections."""
        return bool(self._connections[seat] != ABSENT)

    def is_over_share(self, seat: int) -> bool:
        """Tell whether another worker that serves has fewer connections."""
        mine = self._connections[seat]
        return any(ABSENT < others < mine for others in self._connections)


class Acceptor:
    """Takes connections from a listening socket, as far as they are this worker's to take.

    It has what uvicorn asks of an `asyncio.Server`.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        is_over_share: Callable[[], bool],
        once_taken: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._make_protocol = make_protocol
        self._is_over_share = is_over_share
        self._once_taken = once_taken
        self._opening = set[asyncio.Task[None]]()
        self._pause: asyncio.TimerHandle | None = None
        self._is_closed = False
        listener.setblocking(False)
        self._wait()

    def close(self) -> None:
        """Take no more. What waits in the socket's queue is there for the other workers."""
        self._is_closed = True
        if self._pause:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._opening)

    def _wait(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._be_woken)

    def _be_woken(self) -> None:
        if self._is_over_share():
            self._rest(STEP_BACK)
        else:
            self._take(1)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(seconds, self._come_back)

    def _come_back(self) -> None:
        self._wait()
        self._take(BATCH)

    def _take(self, number: int) -> None:
        """Accept as many connections as there still are, up to `number`."""
        for _ in range(number):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors, no memory: it would fail at every turn
                logger.error(  # noqa: TRY400 - the traceback says nothing more
                    "Cannot take a connection, and try again soon: %s", error.strerror
                )
                self._rest(RECOVERY)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            _, protocol = await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # whoever called has hung up again
            connection.close()
            return
        self._once_taken()
        if self._is_closed:  # connections that were open have been told already
            protocol.shutdown()  # type: ignore[attr-defined]


class SharingServer(LingeringServer):
    """One of several workers: uvicorn's server with an acceptor that knows the others' load."""

    def __init__(self, config: uvicorn.Config, board: Board, seat: int) -> None:
        super().__init__(config)
        self._board = board
        self._seat = seat

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sys.platform == "win32":  # sockets reach a process in another way there: as they come
            await super().startup(sockets)
            return
        await super().startup([])  # the lifespan; nothing is listened to yet
        self.servers = [self._make_acceptor(listener) for listener in sockets or ()]  # type: ignore[misc]
        self._tell()

    async def on_tick(self, counter: int) -> bool:
        self._tell()
        return await super().on_tick(counter)

    async def linger(self) -> None:
        self.delay = self._board.delay
        await super().linger()
        self._board.tell(self._seat, connections=ABSENT)

    def _make_acceptor(self, listener: socket.socket) -> Acceptor:
        return Acceptor(
            listener,
            self._make_protocol,
            lambda: self._board.is_over_share(self._seat),
            self._tell,
        )

    def _make_protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _tell(self) -> None:
        state = self.server_state
        if not self.should_exit:
            self._board.tell(
                self._seat, connections=len(state.connections), requests=state.total_requests
            )
