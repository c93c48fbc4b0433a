"""PostgreSQL goes away, and comes back: 503 meanwhile, then as if nothing had been."""

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.accounts import assert_nothing_lost
from tests.faults.customers import ITEMS, ORDERS, Ledger, opened, shopping, talking
from tests.faults.figures import note
from tests.faults.stage import Stage
from tests.processes import Server, until

pytestmark = pytest.mark.needs("orders", "health")

TOLD = {200, 201, 503}
SOME = 30
"""Answers that show that the load runs."""

Blow = Callable[[Stage], float]


def end_fast(stage: Stage) -> float:
    stage.stop("fast")
    return stage.start()


def end_immediately(stage: Stage) -> float:
    stage.stop("immediate")
    return stage.start()


def crash(stage: Stage) -> float:
    stage.crash()
    return stage.start()


def crash_backend(stage: Stage) -> float:
    """PostgreSQL cuts everybody off, recovers, and takes clients again by itself."""
    before = stage.number("SELECT extract(epoch FROM pg_postmaster_start_time())")
    stage.crash_backend()
    until(stage.takes_clients, "PostgreSQL's recovery")
    assert stage.number("SELECT extract(epoch FROM pg_postmaster_start_time())") == before
    return stage.now()


@pytest.mark.parametrize("blow", [end_fast, end_immediately, crash, crash_backend])
def test_restart_under_load(stage: Stage, blow: Blow) -> None:
    with stage.serving() as server:
        shop = opened(server)
        with shopping(server, shop) as ledger:
            more(ledger)
            back = blow(stage)
            more(ledger)
            wait_until_healed(ledger)
        assert_nothing_lost(stage, shop, ledger)
    assert set(ledger.statuses) <= TOLD
    name = f"restart ({blow.__name__})"
    note(f"{name}: last failure after it was back", ledger.healed_after(back))
    note(f"{name}: first success after it was back", ledger.succeeded_after(back))
    assert ledger.healed_after(back) < 3


def test_three_seconds_without(stage: Stage) -> None:
    """Live all the time, not ready meanwhile; every refusal says when to come back."""
    with stage.serving() as server, talking(server) as line:
        shop = opened(server)
        with shopping(server, shop) as ledger:
            more(ledger)
            stage.stop("fast")
            gone = stage.now()
            while stage.now() < gone + 3:
                assert line.ask("GET", "/health/live").status == 200
                assert line.ask("GET", "/health/ready").status == 503
                assert line.ask("GET", "/api/v1/health").body["status"] == "unhealthy"
            back = stage.start()
            until(lambda: line.ask("GET", "/health/ready").status == 200, "readiness")
            note("3 s without PostgreSQL: ready after it was back", stage.now() - back)
            wait_until_healed(ledger)
        assert_nothing_lost(stage, shop, ledger)
    assert set(ledger.statuses) <= TOLD
    assert {answer.headers["retry-after"] for answer in ledger.failures()} == {"1"}
    note("3 s without PostgreSQL: last failure after it was back", ledger.healed_after(back))
    assert ledger.healed_after(back) < 3


def test_start_without(stage: Stage) -> None:
    """The application starts while PostgreSQL is down, and needs no restart when it is up."""
    stage.stop("fast")
    with stage.serving(first="/health/live") as server, talking(server) as line:
        statuses = [line.ask("GET", path).status for path in ("/health/ready", ITEMS)]
        back = stage.start()
        assert statuses == [503, 503]
        assert line.ask("GET", ITEMS).status == 200
        assert line.ask("GET", "/health/ready").status == 200
        note("start without PostgreSQL: healed after it was up", stage.now() - back)


def test_frozen_postmaster(stage: Stage) -> None:
    """It takes no new clients, and does not refuse them either."""
    with stage.serving() as server, talking(server) as line:
        assert line.ask("GET", ITEMS).status == 200
        stage.cut_off_clients()
        with stage.frozen([stage.postmaster]):
            answer = line.ask("GET", ITEMS)
            live = line.ask("GET", "/health/live")
            ready = line.ask("GET", "/health/ready")
        assert (answer.status, live.status, ready.status) == (503, 200, 503)
        note("frozen postmaster: the refusal", answer.seconds)
        assert answer.seconds < 5
        assert ready.seconds < 2.5
        assert line.ask("GET", ITEMS).status == 200


def test_frozen_backends(stage: Stage) -> None:
    """Their machine hangs, and so cannot end what takes too long: we do."""
    with stage.serving() as server, talking(server) as line:
        assert statuses_of(server, 8) == {200}
        with stage.frozen(stage.backends()):
            answer = line.ask("GET", ITEMS)
            assert answer.status == 503
            assert answer.body["code"] == "database_unavailable"
            assert answer.headers["retry-after"] == "1"
            # The pool is clean: whoever comes next gets new connections.
            assert statuses_of(server, 8) == {200}
        until(lambda: not stage.backends_at_work(), "the end of what was given up")
        assert running_in_lane(server) == 0
        note("frozen backends: the refusal", answer.seconds)
        assert answer.seconds < 10


def test_connections_are_exhausted(stage: Stage) -> None:
    with stage.serving() as server, talking(server) as line:
        assert line.ask("GET", ITEMS).status == 200
        with stage.all_connections_taken():
            refused = line.ask("GET", ITEMS)
            live = line.ask("GET", "/health/live")
        back = stage.now()
        until(lambda: line.ask("GET", ITEMS).status == 200, "a connection")
        note("connections exhausted: the refusal", refused.seconds)
        note("connections exhausted: healed after they were free", stage.now() - back)
    assert (refused.status, refused.body["code"]) == (503, "database_unavailable")
    assert live.status == 200


def test_failover_to_a_server_that_only_reads_and_back(stage: Stage) -> None:
    with stage.serving() as server:
        shop = opened(server)
        body = {"lines": [{"item_id": shop.items[0], "quantity": 1}]}
        with talking(server, shop.token) as line:
            with stage.only_reading():
                refused = line.ask("POST", ORDERS, body)
                assert line.ask("GET", ITEMS).status == 200
            statuses = [line.ask("POST", ORDERS, body).status for _ in range(10)]
    assert (refused.status, refused.body["code"]) == (503, "database_read_only")
    # One connection that was opened meanwhile may be found out by one request.
    assert statuses[1:] == [http.client.CREATED] * 9
    note("failover and back: requests that failed after it", statuses.count(503), "requests")


def more(ledger: Ledger) -> None:
    """Wait until some more requests have succeeded."""
    enough = len(ledger.acknowledged) + SOME
    until(lambda: len(ledger.acknowledged) >= enough, "the load")


def wait_until_healed(ledger: Ledger) -> None:
    """Wait until nothing has failed for a while."""
    until(lambda: all(a.status in {200, 201} for a in ledger.answers[-5 * SOME :]), "the healing")


def statuses_of(server: Server, number: int) -> set[int]:
    """Ask so many at once."""
    with ThreadPoolExecutor(number) as pool:
        return set(pool.map(lambda _: server.read(ITEMS)[0], range(number)))


def running_in_lane(server: Server) -> float:
    """Return how many threads of the database lane are at work."""
    written = server.read("/metrics")[1].splitlines()
    lane = 'lane_running{lane="database"'
    [value] = [line.split()[-1] for line in written if line.startswith(lane)]
    return float(value)
