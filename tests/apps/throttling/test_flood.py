"""A flood of guesses at two real worker processes: counted once, and nobody else notices."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.database import TestDatabase
from tests.factories.base import bind_factories
from tests.factories.users import UserFactory
from tests.processes import Server, environment_for, fresh_database, serving, until

GUESSES, AT_ONCE, ALLOWED = 600, 30, 60
MOST_MEMORY = 300 * 2**20
PROMPT = 0.2
RATES = {
    "THROTTLING_ENABLED": "true",
    "THROTTLING_SIGN_IN_ADDRESS": f"{ALLOWED}/day",
    "THROTTLING_SIGN_IN_PAIR": "1000/day",
}


class Look(NamedTuple):
    """What somebody saw who looked at the server in passing."""

    status: int
    seconds: float
    memory: int
    """Of the larger worker."""


@pytest.fixture
def server(engine_database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        engine = create_engine(url)
        with Session(engine) as session, bind_factories(session):
            for number in range(10):
                UserFactory.create(email=f"user{number}@example.com")
            session.commit()
        engine.dispose()
        env, log = environment_for(url, **RATES), tmp_path / "log"
        with serving("runserver", "--workers", "2", env=env, log=log) as server:
            until(lambda: len(workers_of(server)) == 2, "the second worker")
            yield server


def workers_of(server: Server) -> list[psutil.Process]:
    """The processes that serve; another one tracks their resources."""
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def guess(server: Server, number: int) -> int:
    """Try a wrong password for one of twenty accounts, of which ten are there."""
    form = {"username": f"user{number % 20}@example.com", "password": f"wrong password {number}"}
    address = f"http://127.0.0.1:{server.port}/api/v1/auth/token"
    try:
        with urlopen(address, urlencode(form).encode()) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def look_until(server: Server, flood: "Future[Counter[int]]") -> list[Look]:
    """Ask whether the server lives, again and again, until the flood is over."""
    workers, looks = workers_of(server), []
    while not flood.done():
        started = time.perf_counter()
        status, _ = server.read("/health/live")
        seconds = time.perf_counter() - started
        looks.append(Look(status, seconds, max(one.memory_info().rss for one in workers)))
    return looks


def test_two_workers(server: Server) -> None:
    def flood() -> "Counter[int]":
        with ThreadPoolExecutor(AT_ONCE) as crowd:
            return Counter(crowd.map(lambda number: guess(server, number), range(GUESSES)))

    before = [worker.cpu_times().user for worker in workers_of(server)]
    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood)
        looks = look_until(server, flooding)
        answers = flooding.result()
    after = [worker.cpu_times().user for worker in workers_of(server)]

    assert min(b - a for a, b in zip(before, after, strict=True)) > 0, "both have worked"
    assert answers.keys() <= {401, 429, 503}
    # Whom the server was too busy to look at is not counted as a guess, and is not looked at.
    assert answers[401] <= ALLOWED <= answers[401] + answers[503]
    assert answers[429] > GUESSES / 2
    assert max(look.memory for look in looks) < MOST_MEMORY
    assert {look.status for look in looks} == {200}
    # Hashing in the loop would hold up nearly all of them, a busy machine holds up some.
    prompt = [look for look in looks if look.seconds < PROMPT]
    assert len(prompt) > len(looks) / 2
