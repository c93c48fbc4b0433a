"""Reads on a real streaming replica, and what becomes of them when it is not what it should be."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select, text

from project.application import create_application
from project.errors import NotFound
from project.runtime import Runtime
from project.settings import Settings
from project.web.read_your_writes import COOKIE, HEADER
from project.web.replica import ReplicaReads
from project.web.route import Router, transactional
from project.web.schemas import Schema
from project.web.transaction import AsyncDbSession, DbSession, InTransaction, ReplicaSession
from tests.people import Person, SuiteBase
from tests.processes import until
from tests.replicas import Pair, streaming

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="platform: its signals, its /proc")

SLOW_ON_REPLICA = text(
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_sleep(:seconds) END FROM suite_person LIMIT 1"
)
router = Router()


BOUND = 3.0
"""Seconds: the timeout of these tests (0.5), a second of grace, and a machine that is busy."""


class Answer(Schema):
    by_replica: bool
    emails: tuple[str, ...] = ()


def answer(session: Any, *, sleep: float = 0) -> Answer:
    """Who answers, and what is there; on the replica only after a while."""
    session.execute(SLOW_ON_REPLICA, {"seconds": sleep})
    by_replica = session.execute(text("SELECT pg_is_in_recovery()")).scalar_one()
    return Answer(by_replica=by_replica, emails=tuple(session.scalars(select(Person.email))))


@router.get("/people")
def list_people(session: ReplicaSession) -> Answer:
    return answer(session)


@router.get("/slow")
def list_slowly(session: ReplicaSession, seconds: float) -> Answer:
    return answer(session, sleep=seconds)


@router.get("/nobody")
def find_nobody(session: ReplicaSession) -> Answer:
    session.execute(text("SELECT 1"))
    raise NotFound


@router.post("/people")
def add_person(session: DbSession, email: str) -> Answer:
    session.add(Person(email=email))
    session.flush()
    return answer(session)


@router.post("/waiting")
async def add_while_waiting(session: AsyncDbSession, email: str) -> Answer:
    session.add(Person(email=email))
    await session.flush()
    return Answer(by_replica=False)


class Shop(NamedTuple):
    """An application with a replica, and a client of it that keeps cookies."""

    client: TestClient
    replica: ReplicaReads
    runtime: Runtime

    def people(self, path: str = "/people", **options: Any) -> Answer:
        response = self.client.get(path, **options)
        assert response.status_code == 200, response.text
        return Answer.model_validate(response.json())

    def people_of_a_stranger(self) -> Answer:
        return Answer.model_validate(TestClient(self.client.app).get("/people").json())

    def add(self, email: str, path: str = "/people") -> None:
        assert self.client.post(path, params={"email": email}).status_code == 200

    def reasons(self) -> set[str]:
        return {reason for who, reason in self.replica.answered if who == "primary"}

    def is_used(self) -> bool:
        return self.people_of_a_stranger().by_replica


Open = Callable[..., Any]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with streaming(tmp_path_factory.mktemp("pair")) as pair:
        prepare(pair)
        yield pair


def prepare(pair: Pair) -> None:
    engine = create_engine(pair.primary.url())
    SuiteBase.metadata.tables["suite_person"].create(engine)
    engine.dispose()
    pair.say(pair.primary, "INSERT INTO suite_person (email) VALUES ('first@example.com')")
    pair.say(pair.standby, "ALTER SYSTEM SET max_standby_streaming_delay = 0")
    pair.say(pair.standby, "SELECT pg_reload_conf()")
    pair.catch_up()


@contextmanager
def opened(pair: Pair, settings: Settings, **replica: Any) -> Iterator[Shop]:
    app = create_application(pair.settings(settings, **replica), installed_apps=())
    app.include_router(router)
    with TestClient(app) as client:
        runtime: Runtime = app.state.runtime
        assert runtime.replica is not None
        yield Shop(client, runtime.replica, runtime)


@pytest.fixture
def shop(pair: Pair, settings: Settings) -> Iterator[Shop]:
    with opened(pair, settings, timeout=0.5, max_lag=1, pool_size=2) as shop:
        until(shop.is_used, "the replica to be used")
        yield shop


def test_reads_come_from_the_replica(shop: Shop) -> None:
    before = shop.runtime.lanes.database.completed
    assert shop.people() == Answer(by_replica=True, emails=("first@example.com",))
    assert shop.runtime.lanes.database.completed == before


def test_what_the_replica_does_not_have_is_not_there(shop: Shop) -> None:
    assert shop.client.get("/nobody").status_code == 404
    assert shop.is_used()
    assert shop.reasons() <= {"down", "lag"}  # of the start


@pytest.mark.parametrize("path", ["/people", "/waiting"])
def test_whoever_wrote_reads_it_from_the_primary(pair: Pair, shop: Shop, path: str) -> None:
    email = f"{path[1:]}@example.com"
    pair.pause()
    try:
        shop.add(email, path)
        mine, others = shop.people(), shop.people_of_a_stranger()
    finally:
        pair.resume()
    assert (mine.by_replica, email in mine.emails) == (False, True)
    assert (others.by_replica, email in others.emails) == (True, False)
    assert shop.reasons() >= {"position"}
    until(lambda: shop.people().by_replica, "the replica to have it, too")
    assert email in shop.people().emails


def test_one_that_is_too_old_is_left_out(pair: Pair, shop: Shop) -> None:
    pair.pause()
    try:
        pair.say(pair.primary, "INSERT INTO suite_person (email) VALUES ('late@example.com')")
        until(lambda: not shop.is_used(), "the lag to be noticed")
        assert "late@example.com" in shop.people().emails
        assert shop.reasons() >= {"lag"}
        assert shop.replica.watch.lag > 1
    finally:
        pair.resume()
    until(shop.is_used, "the replica to catch up")


def test_an_idle_primary_makes_no_lag(shop: Shop) -> None:
    end, highest = time.monotonic() + 1.5, 0.0
    while time.monotonic() < end:
        highest = max(highest, shop.replica.watch.lag)
        assert shop.is_used()
    assert highest < 1


def test_one_that_stops_fails_nobody(pair: Pair, shop: Shop) -> None:
    with ThreadPoolExecutor(1) as thread:
        stopping = thread.submit(pair.standby.stop)
        while not stopping.done():
            shop.people()
    try:
        assert not shop.people().by_replica
        assert max(seconds(shop.people) for _ in range(50)) < 0.5
    finally:
        pair.standby.start()
    until(shop.is_used, "the replica to be back")


def test_it_goes_on_while_the_primary_is_gone(pair: Pair, shop: Shop) -> None:
    pair.primary.stop()
    try:
        assert all(shop.people_of_a_stranger().by_replica for _ in range(50))
    finally:
        pair.primary.start()
    shop.add("healed@example.com")
    until(lambda: shop.people().by_replica, "the replica to follow again")


def test_one_that_hangs_costs_a_bounded_time(pair: Pair, shop: Shop) -> None:
    with pair.frozen():
        assert seconds(shop.people) < BOUND
        until(lambda: shop.replica.watch.refusal() == "down", "the look that fails")
        assert max(seconds(shop.people) for _ in range(50)) < 0.5
        assert not shop.people().by_replica
        # Nobody waits for it any more, although it still says nothing.
        until(lambda: not shop.runtime.lanes["replica"].running, "the threads to be free")
    until(shop.is_used, "the replica to be back")


def test_all_who_wait_for_one_that_hangs_are_answered(pair: Pair, shop: Shop) -> None:
    with pair.frozen(), ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: seconds(shop.people), range(8)))
    assert max(taken) < BOUND
    until(shop.is_used, "the replica to be back")


def seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def test_a_statement_that_takes_too_long_there(shop: Shop) -> None:
    found: Answer | None = None

    def read() -> None:
        nonlocal found
        found = shop.people("/slow", params={"seconds": 10})

    assert seconds(read) < BOUND
    assert found is not None
    assert not found.by_replica
    assert shop.reasons() >= {"failed"}
    assert shop.is_used()


def test_a_reading_in_the_way_of_what_is_replayed(pair: Pair, settings: Settings) -> None:
    sleeping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with opened(pair, settings, timeout=30) as shop, ThreadPoolExecutor(1) as thread:
        until(shop.is_used, "the replica to be used")
        reading = thread.submit(shop.people, "/slow", params={"seconds": 25})
        until(lambda: pair.say(pair.standby, sleeping), "the reading to begin")
        pair.say(pair.primary, "BEGIN; LOCK TABLE suite_person; COMMIT")
        assert not reading.result(timeout=20).by_replica
        assert shop.is_used()


def test_a_full_lane_leaves_the_rest_to_the_primary(pair: Pair, settings: Settings) -> None:
    with opened(pair, settings, pool_size=1) as shop, ThreadPoolExecutor(8) as threads:
        until(shop.is_used, "the replica to be used")
        ask = {"params": {"seconds": 1}}
        answers = list(threads.map(lambda _: shop.people("/slow", **ask), range(8)))
        assert {answer.by_replica for answer in answers} == {True, False}
        assert shop.reasons() >= {"busy"}


def test_a_primary_in_its_place(pair: Pair, settings: Settings) -> None:
    with opened(pair, settings, url=pair.primary.url()) as shop:
        until(lambda: shop.replica.watch.refusal() == "not a standby", "a look")
        assert not shop.people().by_replica
        assert shop.reasons() >= {"not a standby"}


def test_one_that_is_promoted(settings: Settings, tmp_path: Path) -> None:
    with streaming(tmp_path) as pair:
        prepare(pair)
        with opened(pair, settings) as shop:
            until(shop.is_used, "the replica to be used")
            pair.say(pair.standby, "SELECT pg_promote()")
            until(lambda: shop.replica.watch.refusal() == "not a standby", "the promotion")
            pair.say(pair.primary, "INSERT INTO suite_person (email) VALUES ('new@example.com')")
            assert "new@example.com" in shop.people().emails


def test_one_of_another_cluster(pair: Pair, settings: Settings, tmp_path: Path) -> None:
    with streaming(tmp_path) as other, opened(pair, settings, url=other.standby.url()) as shop:
        until(lambda: shop.replica.watch.refusal() == "another database", "a look")
        assert shop.people() == Answer(by_replica=False, emails=shop.people().emails)


def test_the_token_is_a_header_for_those_without_cookies(pair: Pair, shop: Shop) -> None:
    pair.pause()
    try:
        response = shop.client.post("/people", params={"email": "header@example.com"})
        shop.client.cookies.clear()
        token = response.headers[HEADER]
        forged = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
        assert not shop.people(headers={HEADER: token}).by_replica
        assert shop.people(headers={HEADER: forged}).by_replica
    finally:
        pair.resume()
    assert response.cookies[COOKIE] == token
    assert "httponly; max-age=32; path=/; samesite=lax" in response.headers["set-cookie"].lower()


def test_metrics_tell_of_it(shop: Shop) -> None:
    shop.people()
    found = shop.client.get("/metrics").text
    assert 'replica_reads_total{answered_by="replica",reason=""}' in found
    assert "replica_used 1.0" in found
    assert 'database_pool_size{pool="replica"} 2.0' in found
    assert 'replica_lag_seconds_bucket{le="1.0"}' in found


def look(session: DbSession) -> None: ...


def mixed(session: ReplicaSession, other: Annotated[None, InTransaction(look)]) -> None: ...
def alone(session: ReplicaSession) -> None: ...
@transactional
def writing(session: ReplicaSession) -> None: ...
async def waiting(session: ReplicaSession) -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "method", "message"),
    [
        (mixed, "GET", r"mixed asks for ReplicaSession, but look\(\) for DbSession"),
        (alone, "POST", "only a `def` GET may"),
        (writing, "GET", "only a `def` GET may"),
        (waiting, "GET", "is async"),
    ],
)
def test_who_may_not_ask_for_it(endpoint: Any, method: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Router().add_api_route("/", endpoint, methods=[method])
