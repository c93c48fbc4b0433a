"""Print how evenly workers share connections: this project's, uvicorn's own, and SO_REUSEPORT.

python loadtests/bench_sharing.py [--rounds 8] [--workers 4] [--connections 32]

The three serve the same small application in turns. `kept` opens all connections at once and
asks forty times over each; `new` opens one for every request. Not on Windows, whose sockets
reach a process in another way.
"""

import argparse
import asyncio
import math
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import uvicorn
from uvicorn.supervisors import Multiprocess

from project.management.draining_http import DrainingHttp
from project.management.listening import bind
from project.management.supervising import Supervisor

VARIANTS = ("ours", "uvicorn", "reuse_port")
REQUESTS = 40
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n"
BODY = 10
START = 30.0


async def app(_scope: dict[str, Any], _receive: object, send: Any) -> None:
    """Answer with the worker's process id, after half a millisecond of work."""
    sum(range(30_000))
    headers = [(b"content-length", b"%d" % BODY)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"%*d" % (BODY, os.getpid())})


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how workers share connections.")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--serve", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve(options.serve, options.port, options.workers)
    else:
        _compare(options.rounds, options.workers, options.connections)


def _serve(variant: str, port: int, workers: int) -> None:
    config = uvicorn.Config(
        "loadtests.bench_sharing:app",
        http=DrainingHttp,
        workers=workers,
        log_config=None,
        access_log=False,
        lifespan="off",
    )
    if variant == "reuse_port":
        config.workers = 1
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=_own, args=(config, port)) for _ in range(workers)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        return
    listener = bind("127.0.0.1", port)
    listener.set_inheritable(True)
    kind = Supervisor if variant == "ours" else Multiprocess
    kind(config, sockets=[listener]).run()


def _own(config: uvicorn.Config, port: int) -> None:
    """Serve from a socket of this worker's own at the port that all of them have."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    uvicorn.Server(config).run([listener])


def _compare(rounds: int, workers: int, connections: int) -> None:
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for number in range(rounds):
        for variant in VARIANTS[:: 1 if number % 2 else -1]:
            with _serving(variant, workers) as port:
                for shape in ("kept", "new"):
                    measured = asyncio.run(_ask(port, shape, workers, connections))
                    found.setdefault((shape, variant), []).append(measured)
    print(f"{workers} workers, {connections} connections, {rounds} rounds, medians (worst):")
    for (shape, variant), measures in sorted(found.items()):
        shares, tails, rates = zip(*measures, strict=True)
        print(
            f"{shape:5} {variant:10} busiest worker {statistics.median(shares):.2f} "
            f"({max(shares):.2f}) times its share, p99 {statistics.median(tails):.0f} ms "
            f"({max(tails):.0f}), {statistics.median(rates):.0f} requests/s"
        )


@contextmanager
def _serving(variant: str, workers: int) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    own = [sys.executable, __file__, "--serve", variant, "--port", str(port)]
    with subprocess.Popen([*own, "--workers", str(workers)], start_new_session=True) as process:
        try:
            asyncio.run(_wait_for_all(port, workers))
            yield port
        finally:
            os.killpg(process.pid, 15)


async def _wait_for_all(port: int, workers: int) -> None:
    """Ask until every worker has answered."""
    seen = set[int]()
    deadline = perf_counter() + START
    while len(seen) < workers:
        if perf_counter() > deadline:
            raise TimeoutError(f"{workers - len(seen)} workers do not answer.")
        try:
            answers = await asyncio.gather(*(_visit(port, 1) for _ in range(4 * workers)))
        except OSError:
            await asyncio.sleep(0.05)
            continue
        seen |= {worker for pairs in answers for worker, _ in pairs}


async def _ask(port: int, shape: str, workers: int, connections: int) -> tuple[float, float, float]:
    """Return how many times its share the busiest worker had, p99 in ms, and requests/s."""
    each = REQUESTS if shape == "kept" else 1
    together = asyncio.Semaphore(connections)

    async def visit() -> list[tuple[int, float]]:
        async with together:
            return await _visit(port, each)

    begun = perf_counter()
    visits = connections if shape == "kept" else connections * REQUESTS
    answers = await asyncio.gather(*(visit() for _ in range(visits)))
    passed = perf_counter() - begun
    by_worker = Counter(worker for pairs in answers for worker, _ in pairs)
    times = sorted(seconds for pairs in answers for _, seconds in pairs)
    share = max(by_worker.values()) * workers / len(times)
    return share, times[math.ceil(0.99 * len(times)) - 1] * 1e3, len(times) / passed


async def _visit(port: int, requests: int) -> list[tuple[int, float]]:
    """Ask over one connection; each answer is the worker and the seconds it took."""
    found = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in range(requests):
            begun = perf_counter()
            writer.write(REQUEST % (b"close" if number == requests - 1 else b"keep-alive"))
            await reader.readuntil(b"\r\n\r\n")
            worker = int(await reader.readexactly(BODY))
            found.append((worker, perf_counter() - begun))
    finally:
        writer.close()
        await writer.wait_closed()
    return found


if __name__ == "__main__":
    main()
