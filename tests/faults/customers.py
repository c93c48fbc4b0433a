"""Customers who order and look without a pause, and keep a ledger of what they were told."""

import http.client
import json
import random
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.processes import DEADLINE, Server

ITEMS, ORDERS = "/api/v1/items/", "/api/v1/orders/"
CUT_OFF = 0
"""In the place of a status, where the connection broke or nobody listened."""

PASSWORD = "correct horse battery staple"
STOCK = 1_000_000
PAUSE = 0.02
"""Seconds before the next try of who was told to come back; a moment, to press."""


class Answer(NamedTuple):
    """What came back, and when (by `time.monotonic`) it was asked for and there."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Line:
    """One connection to a server, opened again when it breaks."""

    def __init__(self, port: int, token: str = "", *, timeout: float = DEADLINE) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        content = None if body is None else json.dumps(body)
        kinds = {} if body is None else {"Content-Type": "application/json"}
        began = time.monotonic()
        try:
            self._connection.request(method, path, content, {**self._headers, **kinds, **headers})
            with self._connection.getresponse() as answer:
                status, read = answer.status, answer.read()
                said = {name.lower(): value for name, value in answer.headers.items()}
            found = json.loads(read) if read.startswith(b"{") else {"text": read.decode()}
        except (OSError, http.client.HTTPException):
            self._connection.close()
            status, found, said = CUT_OFF, {}, {}
        return Answer(status, found, said, began, time.monotonic())

    def close(self) -> None:
        self._connection.close()


@contextmanager
def talking(server: Server, token: str = "") -> Iterator[Line]:
    """Open one connection, with or without an account."""
    line = Line(server.port, token)
    try:
        yield line
    finally:
        line.close()


class Shop(NamedTuple):
    """Whoever buys here, and what there is to buy."""

    token: str
    items: Sequence[int]


@dataclass
class Ledger:
    """What customers were told: every answer, and the order that each key was acknowledged with."""

    answers: list[Answer] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)

    @property
    def statuses(self) -> dict[int, int]:
        """How often each status was heard."""
        heard = [answer.status for answer in self.answers]
        return {status: heard.count(status) for status in sorted(set(heard))}

    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status not in {200, 201}]

    def healed_after(self, moment: float) -> float:
        """Return how many seconds after a moment the last failure was heard."""
        return max((answer.ended - moment for answer in self.failures()), default=0.0)

    def succeeded_after(self, moment: float) -> float:
        """Return how many seconds after a moment the first request was answered that came then."""
        return min(
            (
                answer.ended - moment
                for answer in self.answers
                if answer.began >= moment and answer.status in {200, 201}
            ),
            default=float("inf"),
        )


def opened(server: Server, *, items: int = 40) -> Shop:
    """Open an account, and lay out a few items."""
    line = Line(server.port)
    email = f"buyer-{secrets.token_hex(6)}@example.com"
    account = {"email": email, "password": PASSWORD}
    assert line.ask("POST", "/api/v1/users/", account).status == http.client.CREATED
    token = _sign_in(server, email)
    line.close()
    seller = Line(server.port, token)
    body = {"name": "A thing", "price": "2.50", "stock": STOCK}
    laid_out = [seller.ask("POST", ITEMS, body).body["id"] for _ in range(items)]
    seller.close()
    return Shop(token, laid_out)


def _sign_in(server: Server, email: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    form = f"username={email.replace('@', '%40')}&password={PASSWORD.replace(' ', '+')}"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/api/v1/auth/token", form, kind)
    token: str = json.loads(connection.getresponse().read())["access_token"]
    connection.close()
    return token


@dataclass
class Crowd:
    """Customers at work."""

    ledger: Ledger = field(default_factory=Ledger)
    has_closed: threading.Event = field(default_factory=threading.Event)

    def buy(self, port: int, shop: Shop) -> None:
        """Order again and again; an order without an acknowledgement is sent again as it was."""
        line = Line(port, shop.token)
        while not self.has_closed.is_set():
            body, key = order_of(shop.items), secrets.token_hex(8)
            self.ledger.attempted.add(key)
            while not self.has_closed.is_set():
                answer = line.ask("POST", ORDERS, body, **{"Idempotency-Key": key})
                self.ledger.answers.append(answer)
                if answer.status == http.client.CREATED:
                    self.ledger.acknowledged[key] = answer.body["id"]
                    break
                time.sleep(PAUSE)
        line.close()

    def look(self, port: int, shop: Shop, paths: Sequence[str]) -> None:
        """Read again and again."""
        line = Line(port, shop.token)
        while not self.has_closed.is_set():
            answer = line.ask("GET", random.choice(paths))  # noqa: S311 - no secret
            self.ledger.answers.append(answer)
            if answer.status != http.client.OK:
                time.sleep(PAUSE)
        line.close()


def order_of(items: Sequence[int]) -> Mapping[str, Any]:
    chosen = random.sample(items, 2)
    lines = [{"item_id": item, "quantity": random.randint(1, 3)} for item in chosen]  # noqa: S311
    return {"lines": lines}


@contextmanager
def shopping(server: Server, shop: Shop, *, buyers: int = 4, readers: int = 4) -> Iterator[Ledger]:
    """Let them all shop until the block ends."""
    crowd = Crowd()
    paths = [f"{ITEMS}?limit=20", *(f"{ITEMS}{item}" for item in shop.items[:5])]
    with ThreadPoolExecutor(buyers + readers) as threads:
        at_work = [threads.submit(crowd.buy, server.port, shop) for _ in range(buyers)]
        at_work += [threads.submit(crowd.look, server.port, shop, paths) for _ in range(readers)]
        try:
            yield crowd.ledger
        finally:
            crowd.has_closed.set()
    for customer in at_work:
        customer.result()
