"""A small client in a process of its own: for bursts, and for plants, which no scenario visits.

    python -m loadtests.lab.client < order.json > answer.json

Closed loops or bursts over HTTP/1.1 with open connections, on asyncio. Capacity is not measured
with it: that is the business of `generator/`.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from loadtests.hosts import refusal
from loadtests.lab.histogram import Histogram
from project.errors import CommandError
from project.settings import ROOT

FINE = range(200, 400)
GRACE = 30.0
NOTHING = 0
"""In the place of a status where no answer came."""


@dataclass(frozen=True)
class Order:
    """What to do. `at_once` asks for bursts, otherwise each of `users` asks again and again."""

    host: str
    path: str
    method: str = "GET"
    users: int = 1
    warm_up: float = 1.0
    seconds: float = 3.0
    pause: float = 0.0
    """Seconds between an answer and the user's next request."""

    at_once: int = 0
    times: int = 1
    patience: float = 60.0
    """Seconds that a burst may take."""


@dataclass
class Answers:
    """What came of it."""

    began: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    """Share of a core that the client took."""

    statuses: dict[int, int] = field(default_factory=dict)
    ok: Histogram = field(default_factory=Histogram)
    failed: Histogram = field(default_factory=Histogram)

    def count(self, status: int, seconds: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        (self.ok if status in FINE else self.failed).add(seconds)


def send(order: Order) -> Answers:
    """Carry an order out in a process of its own. Raises CommandError for other people's hosts."""
    said = refusal(order.host)
    if said is not None:
        raise CommandError(said)
    limit = GRACE + order.warm_up + order.seconds + order.times * order.patience
    finished = subprocess.run(
        [sys.executable, "-m", "loadtests.lab.client"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        timeout=limit,
        check=True,
        cwd=ROOT,
    )
    return _parse(json.loads(finished.stdout))


def _parse(told: dict[str, Any]) -> Answers:
    histograms = {
        name: Histogram({int(k): n for k, n in told[name]["counts"].items()}, **told[name]["sums"])
        for name in ("ok", "failed")
    }
    statuses = {int(status): number for status, number in told["statuses"].items()}
    return Answers(told["began"], told["seconds"], told["cpu"], statuses, **histograms)


def _describe(answers: Answers) -> dict[str, Any]:
    histograms = {
        name: {"counts": h.counts, "sums": {"total": h.total, "longest": h.longest}}
        for name, h in (("ok", answers.ok), ("failed", answers.failed))
    }
    return {**vars(answers), **histograms}


class Connection:
    """A connection that is opened again whenever it has been closed."""

    def __init__(self, order: Order) -> None:
        place = urlsplit(order.host)
        self._place = (place.hostname, place.port or 80)
        self._request = (
            f"{order.method} {order.path} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._place)

    async def ask(self) -> int:
        """Make a request and return the status of its answer; 0 if none came."""
        try:
            await self.open()
            return await self._exchange()
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return NOTHING

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self) -> int:
        if self._streams is None:
            raise ConnectionError
        reader, writer = self._streams
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, _, length = head.partition(b"content-length:")
        await reader.readexactly(int(length.partition(b"\r\n")[0] or 0))
        if b"connection: close" in head:
            self.close()
        return int(head.split(maxsplit=2)[1])


async def _carry_out(order: Order) -> Answers:
    answers = Answers()
    if order.at_once:
        await _burst(order, answers)
        return answers
    users = [asyncio.create_task(_user(order, answers)) for _ in range(order.users)]
    await asyncio.sleep(order.warm_up)
    cpu, answers.began = time.process_time(), time.time()
    await asyncio.sleep(order.seconds)
    answers.seconds = time.time() - answers.began
    answers.cpu = (time.process_time() - cpu) / answers.seconds
    for user in users:
        user.cancel()
    await asyncio.gather(*users, return_exceptions=True)
    return answers


async def _user(order: Order, answers: Answers) -> None:
    connection = Connection(order)
    while True:
        began = time.perf_counter()
        status = await connection.ask()
        if answers.began and not answers.seconds:
            answers.count(status, time.perf_counter() - began)
        await asyncio.sleep(order.pause or (0.1 if status == NOTHING else 0.0))


async def _burst(order: Order, answers: Answers) -> None:
    """Send so many requests at one moment, over connections that are open already."""
    connections = [Connection(order) for _ in range(order.at_once)]
    await asyncio.gather(*(connection.open() for connection in connections))
    answers.began = time.time()
    for _ in range(order.times):
        results = [_ask_in_time(connection, order.patience) for connection in connections]
        for status, seconds in await asyncio.gather(*results):
            answers.count(status, seconds)
    answers.seconds = time.time() - answers.began


async def _ask_in_time(connection: Connection, patience: float) -> tuple[int, float]:
    began = time.perf_counter()
    try:
        status = await asyncio.wait_for(connection.ask(), patience)
    except TimeoutError:
        connection.close()
        status = NOTHING
    return status, time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(_describe(asyncio.run(_carry_out(Order(**json.load(sys.stdin)))))))
