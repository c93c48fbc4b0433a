"""A closed-loop client in a process of its own: so many connections, each with one request open.

    python -m loadtests.law.client '{"port": 8000, "clients": 16, "seconds": 3, …}'

Raw HTTP/1.1 on asyncio, because a generator that needs as much CPU as the server would measure
itself. It prints a JSON object: latencies in milliseconds of what was answered, and statuses.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import uvloop

PATIENCE = 10.0
"""Seconds after which a client gives up; it does not come back."""


@dataclass(frozen=True)
class Load:
    """What to send where, and for how long; answers to what was begun in time still count."""

    port: int
    token: str
    method: str
    paths: list[str]
    body: str
    clients: int
    seconds: float

    def requests(self) -> list[bytes]:
        content = self.body.encode()
        return [
            f"{self.method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
            for path in self.paths
        ]


@dataclass
class Outcome:
    """What came of it. Status 0 is a connection that broke, or an answer that never came."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


async def send_all(load: Load) -> Outcome:
    """Run the load to its end."""
    outcome, began = Outcome(), time.perf_counter()
    requests = load.requests()
    await asyncio.gather(
        *(_client(load, requests, number, began, outcome) for number in range(load.clients))
    )
    outcome.seconds = time.perf_counter() - began
    return outcome


async def _client(
    load: Load, requests: list[bytes], number: int, began: float, outcome: Outcome
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    turn = number
    try:
        while time.perf_counter() - began < load.seconds:
            sent = time.perf_counter()
            writer.write(requests[turn % len(requests)])
            turn += load.clients
            status = 0
            try:
                async with asyncio.timeout(PATIENCE):
                    status = await _read_answer(reader)
            finally:
                outcome.latencies.append((time.perf_counter() - sent) * 1000)
                outcome.statuses[status] += 1
    except (OSError, EOFError, TimeoutError):
        return
    finally:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    start = head.lower().find(b"content-length:")
    if start >= 0:
        length = int(head[start + 15 : head.index(b"\r\n", start)])
        await reader.readexactly(length)
    elif b"chunked" in head.lower():
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return int(head[9:12])


if __name__ == "__main__":
    measured = uvloop.run(send_all(Load(**json.loads(sys.argv[1]))))
    print(json.dumps(vars(measured)))
