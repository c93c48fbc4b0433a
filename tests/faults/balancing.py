"""Two servers, and customers who ask only one that says that it is ready, as a balancer does."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.faults.customers import Line
from tests.processes import Server

READY = "/health/ready"
LOOK = 0.1
"""Seconds between two looks at each server's readiness."""


class Balancer:
    """Knows which servers are ready, from looking at them all the time."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.ready = {server.port for server in servers}
        self._servers = servers
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    @contextmanager
    def looking(self) -> Iterator["Balancer"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._thread.join()

    def _look(self) -> None:
        while not self._is_over.is_set():
            for server in self._servers:
                line = Line(server.port, timeout=5)
                is_ready = line.ask("GET", READY).status == 200
                line.close()
                (self.ready.add if is_ready else self.ready.discard)(server.port)
            time.sleep(LOOK)


def ask_everywhere(balancer: Balancer, path: str, statuses: list[int]) -> None:
    """Ask one of those that are ready, once, and write the outcome down."""
    port = sorted(balancer.ready)[len(statuses) % len(balancer.ready)]
    line = Line(port)
    statuses.append(line.ask("GET", path).status)
    line.close()
