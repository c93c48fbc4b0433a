"""Customers who read and write without a pause, and note what they were told."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from project.web.read_your_writes import HEADER
from tests.deploy.proxies import Proxy
from tests.processes import DEADLINE

ITEMS = "/api/v1/items/"
HOST = "shop.example.com"
CUT_OFF = 0
"""In the place of a status, where the connection broke."""

WRITERS = READERS = 4
NAME = "ledger"

Kind = Literal["read", "write", "own"]
"""A stranger's read, a write, and the writer's look at what was written."""


class Event(NamedTuple):
    """One request as its customer saw it; times are of `time.monotonic`."""

    kind: Kind
    began: float
    ended: float
    status: int

    @property
    def has_failed(self) -> bool:
        return self.status not in {200, 201}


@dataclass
class Ledger:
    """What customers were told: every request, and each item that was acknowledged, by name."""

    events: list[Event] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)


class Customer:
    """One connection, opened again when it breaks; the proxy is believed to speak HTTPS."""

    def __init__(self, proxy: Proxy, ledger: Ledger, token: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=DEADLINE)
        self._headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._ledger = ledger

    def ask(
        self, kind: Kind, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Make a request and note it; return status, body and headers of its answer."""
        content = json.dumps(body) if body is not None else None
        kinds = {"Content-Type": "application/json"} if content else {}
        began = time.monotonic()
        try:
            self._connection.request(method, path, content, {**self._headers, **kinds, **headers})
            answer = self._connection.getresponse()
            status, found, said = answer.status, json.loads(answer.read()), dict(answer.headers)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            status, found, said = CUT_OFF, {}, {}
        self._ledger.events.append(Event(kind, began, time.monotonic(), status))
        return status, found, said

    def read(self) -> None:
        self.ask("read", "GET", f"{ITEMS}?limit=20")

    def write(self, name: str) -> None:
        """Put an item into the catalogue, and look at it."""
        body = {"name": name, "price": "1.00", "stock": 1}
        status, item, headers = self.ask("write", "POST", ITEMS, body)
        if status != http.HTTPStatus.CREATED:
            return
        self._ledger.acknowledged[name] = item["id"]
        told = {key.lower(): value for key, value in headers.items()}
        self.ask("own", "GET", f"{ITEMS}{item['id']}", **{HEADER: told[HEADER.lower()]})

    def close(self) -> None:
        self._connection.close()


@contextmanager
def shopping(proxy: Proxy, token: str) -> Iterator[Ledger]:
    """Let them all shop until the block ends."""
    ledger, has_closed = Ledger(), threading.Event()

    def shop(number: int) -> None:
        is_writer = number < WRITERS
        customer, count = Customer(proxy, ledger, token if is_writer else ""), 0
        while not has_closed.is_set():
            count += 1
            if is_writer:
                customer.write(f"{NAME} {number}-{count}")
            else:
                customer.read()
        customer.close()

    with ThreadPoolExecutor(WRITERS + READERS) as threads:
        customers = [threads.submit(shop, number) for number in range(WRITERS + READERS)]
        try:
            yield ledger
        finally:
            has_closed.set()
    for customer in customers:
        customer.result()
