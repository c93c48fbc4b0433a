"""The database misbehaves for real; the client hears one clear word and the pool heals."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from project.application import create_application
from project.db.engine import create_pooled_engine
from project.db.errors import DatabaseBusy, DatabaseUnavailable, diagnose
from project.settings import Settings
from project.web.route import Router, transactional
from project.web.transaction import DbSession
from tests.database import TestDatabase
from tests.people import Person, PersonFactory

pytestmark = pytest.mark.committed

router = Router(prefix="/api/faulty")


@router.get("/run")
@transactional
def run(session: DbSession, statement: str, timeout: str = "15s") -> dict[str, str]:
    session.execute(
        text("SELECT set_config('statement_timeout', :timeout, true)"), {"timeout": timeout}
    )
    return {"answer": str(session.scalar(text(statement)))}


@pytest.fixture
def faulty(settings: Settings, database: TestDatabase) -> Iterator[TestClient]:
    """An application on a small pool of its own, with short deadlines and a route for any SQL."""
    quick = settings.database.model_copy(update={"pool_size": 2, "lock_timeout": 0.2})
    plain = database.engine.url.difference_update_query(["options"])  # they would win
    url = plain.render_as_string(hide_password=False)
    own = TestDatabase(create_pooled_engine(url, quick))
    app = create_application(settings.model_copy(update={"database": quick}), database=own)
    app.include_router(router)
    with TestClient(app) as client:
        yield client
    assert own.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    own.engine.dispose()


def ask(client: TestClient, statement: str, **params: str) -> Any:
    return client.get("/api/faulty/run", params={"statement": statement, **params})


def raising(sqlstate: str) -> str:
    """Let the server itself raise this error."""
    return f"DO $$ BEGIN RAISE 'canary' USING ERRCODE = '{sqlstate}'; END $$"


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("23505", 409, "duplicate"),
        ("23503", 409, "still_referenced"),
        ("23001", 409, "still_referenced"),
        ("23P01", 409, "conflict"),
        ("23514", 422, "constraint_violated"),
        ("22003", 422, "constraint_violated"),
        ("22001", 422, "constraint_violated"),
        ("40001", 503, "concurrent_change"),
        ("40P01", 503, "concurrent_change"),
        ("55P03", 503, "database_busy"),
        ("57014", 503, "database_busy"),
        ("25006", 503, "database_read_only"),
        ("53100", 503, "database_full"),
        ("53300", 503, "database_unavailable"),
        ("57P01", 503, "database_unavailable"),
        ("08006", 503, "database_unavailable"),
        ("22012", 500, "internal_server_error"),
        ("23502", 500, "internal_server_error"),
        ("42501", 500, "internal_server_error"),
        ("42P01", 500, "internal_server_error"),
        ("P0001", 500, "internal_server_error"),
        ("XX000", 500, "internal_server_error"),
    ],
)
def test_sqlstates(faulty: TestClient, sqlstate: str, status: int, code: str) -> None:
    response = ask(faulty, raising(sqlstate))
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert ("Retry-After" in response.headers) == (status == 503)
    assert "canary" not in response.text
    assert ask(faulty, "SELECT 7").json() == {"answer": "7"}


def test_statement_timeout(faulty: TestClient) -> None:
    response = ask(faulty, "SELECT pg_sleep(30)", timeout="100ms")
    assert (response.status_code, response.json()["code"]) == (503, "database_busy")
    assert response.headers["Retry-After"] == "1"


def test_lock_timeout(faulty: TestClient, session: Session) -> None:
    PersonFactory(email="locked@example.com")
    session.execute(text("SELECT 1 FROM suite_person FOR UPDATE"))
    response = ask(faulty, "UPDATE suite_person SET full_name = 'x' RETURNING id")
    session.rollback()
    assert (response.status_code, response.json()["code"]) == (503, "database_busy")


def test_connection_cut_while_it_works(faulty: TestClient, session: Session) -> None:
    """The request that is hit hears 503, and the next one is served as if nothing had been."""
    with ThreadPoolExecutor(1) as pool:
        hit = pool.submit(ask, faulty, "SELECT pg_sleep(30) /* to be cut */")
        while not session.scalar(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE query LIKE '%to be cut */' AND datname = current_database()"
            )
        ):
            session.rollback()
        response = hit.result()
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert ask(faulty, "SELECT 7").json() == {"answer": "7"}


def test_connections_cut_while_they_rest(faulty: TestClient, session: Session) -> None:
    """The pool looks before it gives a connection out: nobody notices."""
    for pid in {ask(faulty, "SELECT pg_backend_pid()").json()["answer"] for _ in range(4)}:
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": int(pid)})
    session.rollback()
    assert [ask(faulty, "SELECT 7").status_code for _ in range(4)] == [200] * 4


def test_read_only_connection_is_not_kept(faulty: TestClient) -> None:
    """After a failover the old connections would refuse writes for ever."""
    pid = ask(faulty, "SELECT pg_backend_pid()").json()["answer"]
    assert ask(faulty, raising("25006")).status_code == 503
    assert ask(faulty, "SELECT pg_backend_pid()").json()["answer"] != pid


def test_deadlock(faulty: TestClient, session: Session) -> None:
    """PostgreSQL ends one of the two, which is told to try again."""
    people = PersonFactory.create_batch(2)
    update = "UPDATE suite_person SET full_name = 'x' WHERE id = {} RETURNING id"
    barrier = threading.Barrier(2)
    quick = faulty.app.state.runtime.database  # type: ignore[attr-defined]

    def cross(first: int, second: int) -> DBAPIError | None:
        try:
            with quick.transaction() as own:
                own.execute(text("SET LOCAL deadlock_timeout = '10ms'; SET LOCAL lock_timeout = 0"))
                own.execute(text(update.format(first)))
                barrier.wait(10)
                own.execute(text(update.format(second)))
        except DBAPIError as error:
            return error
        return None

    ids = [person.id for person in people]
    with ThreadPoolExecutor(2) as pool:
        errors = list(pool.map(cross, ids, reversed(ids)))
    (error,) = [error for error in errors if error]
    diagnosis = diagnose(error)
    assert diagnosis is not None
    assert (diagnosis.error.status, diagnosis.sqlstate) == (503, "40P01")


def test_server_that_is_gone(settings: Settings) -> None:
    """The application starts without its database, says so, and lives."""
    away = create_pooled_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", settings.database)
    app = create_application(settings, database=TestDatabase(away))
    app.include_router(router)
    with TestClient(app) as client:
        response = ask(client, "SELECT 1")
        assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
        assert response.headers["Retry-After"] == "1"
        assert "127.0.0.1" not in response.text
        assert client.get("/").status_code == 200
    away.dispose()


def test_values_stay_out_of_the_log(faulty: TestClient) -> None:
    written: list[str] = []
    sink = logger.add(written.append, level=0, format="{message} {extra}")
    for sqlstate in ("23505", "40001"):
        ask(faulty, raising(sqlstate))
    logger.remove(sink)
    assert any("40001" in line for line in written)
    assert "canary" not in "".join(written)


def test_parameters_stay_out_of_errors(database: TestDatabase) -> None:
    with database.engine.connect() as connection, pytest.raises(ProgrammingError) as caught:
        connection.execute(text("SELECT :secret FROM nowhere"), {"secret": "canary"})
    assert "canary" not in str(caught.value)


def test_errors_without_a_code() -> None:
    cut = OperationalError("SELECT", {}, psycopg.OperationalError("the connection is lost"))
    assert isinstance(known(diagnose(cut)), DatabaseUnavailable)
    assert isinstance(known(diagnose(PoolTimeoutError())), DatabaseBusy)
    assert diagnose(PendingRollbackError()) is None
    assert diagnose(ProgrammingError("SELECT", {}, psycopg.ProgrammingError("bad"))) is None


def known(diagnosis: Any) -> Any:
    assert diagnosis is not None
    return diagnosis.error


@pytest.mark.anyio
async def test_unique_race(database: TestDatabase) -> None:
    """Of ten that insert the same, one does; the others hear of a duplicate."""

    def insert() -> int:
        try:
            with database.transaction() as own:
                own.add(Person(email="race@example.com"))
        except DBAPIError as error:
            return int(known(diagnose(error)).status)
        return 201

    statuses = await asyncio.gather(*(asyncio.to_thread(insert) for _ in range(8)))
    assert sorted(statuses) == [201] + [409] * 7
