"""Sessions that only read, and connections that the server has closed."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from project.application import create_application
from project.db.engine import begin_explicitly, create_pooled_engine
from project.db.reading import WriteRefused
from project.db.session import Database
from project.settings import Settings
from project.web.route import Router, transactional
from project.web.transaction import DbSession
from tests.database import TestDatabase
from tests.people import Person, PersonFactory

pytestmark = pytest.mark.committed


def test_reads_without_a_transaction(database: TestDatabase) -> None:
    with database.reading() as session:
        first, second = (session.scalar(text("SELECT txid_current()")) for _ in range(2))
    assert first != second


def test_connection_goes_back_as_it_came(database: TestDatabase) -> None:
    """The pool's next user gets transactions again."""
    with database.reading() as session:
        session.scalar(text("SELECT 1"))
    with database.transaction() as session:
        first, second = (session.scalar(text("SELECT txid_current()")) for _ in range(2))
    assert first == second


def test_new_object_is_refused(database: TestDatabase) -> None:
    with pytest.raises(WriteRefused), database.reading() as session:
        session.add(Person(email="new@example.com"))


def test_flush_is_refused(database: TestDatabase) -> None:
    with database.readers() as session:
        session.add(Person(email="new@example.com"))
        with pytest.raises(WriteRefused):
            session.flush()


def test_changed_object_is_refused(database: TestDatabase, session: Session) -> None:
    PersonFactory()
    with pytest.raises(WriteRefused), database.reading() as reader:
        reader.scalars(select(Person)).one().full_name = "Somebody Else"
    session.expire_all()
    assert session.scalars(select(Person)).one().full_name != "Somebody Else"


def test_update_statement_is_refused(database: TestDatabase) -> None:
    with pytest.raises(WriteRefused), database.reading() as session:
        session.execute(update(Person).values(full_name="Everybody"))


@pytest.mark.parametrize(
    "write",
    [
        lambda session: session.execute(text(" Delete FROM suite_person")),
        lambda session: session.scalars(select(Person).with_for_update()).all(),
        lambda session: session.execute(select(Person.__table__).with_for_update()),
        lambda session: session.bulk_insert_mappings(Person, [{"email": "new@example.com"}]),
    ],
    ids=["text", "lock", "lock of a table", "bulk"],
)
def test_other_ways_to_write_are_refused(
    database: TestDatabase, write: Callable[[Session], object]
) -> None:
    with pytest.raises(WriteRefused), database.reading() as session:
        write(session)


def test_rows_and_entities_come_over_one_connection(settings: Settings, session: Session) -> None:
    """A request that took two could wait for ever for the second one."""
    person = PersonFactory()
    session.commit()
    url = session.get_bind().engine.url.render_as_string(hide_password=False)
    narrow = settings.database.model_copy(update={"pool_size": 1, "queue_timeout": 0.5})
    database = Database(create_pooled_engine(url, narrow))
    pid = func.pg_backend_pid()
    with database.reading() as reader:
        rows = reader.execute(select(Person.__table__.c.id, pid)).all()
        entities = reader.execute(select(Person, pid)).all()
    database.close()
    assert [row[0] for row in rows] == [person.id]
    assert isinstance(entities[0][0], Person)
    assert rows[0][1] == entities[0][1]


def test_results_are_described_as_the_driver_does(database: TestDatabase) -> None:
    """By name and type, which is what SQLAlchemy reads."""
    with database.connect() as connection:
        own: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        statement = "SELECT 1 AS one, 'x'::text AS \"Zwei ü\", now(), NULL::jsonb AS j"
        described = own.execute(statement).description
        with psycopg.Cursor(own) as plain:
            expected = plain.execute(statement).description
        assert described is not None
        assert expected is not None
        assert [tuple(column)[:2] for column in described] == [tuple(c)[:2] for c in expected]
        assert own.execute("SELECT").description == []
        assert own.execute("DO 'BEGIN END'").description is None


def extend(settings: Settings, database: TestDatabase, router: Router) -> FastAPI:
    app = create_application(settings, database=database)
    app.include_router(router)
    return app


def test_get_route_cannot_write(
    settings: Settings, database: TestDatabase, session: Session
) -> None:
    router = Router()

    @router.get("/writes")
    def writes(session: DbSession) -> None:
        session.add(Person(email="new@example.com"))

    with TestClient(extend(settings, database, router)) as client:
        assert client.get("/writes").status_code == 500
    assert session.scalars(select(Person)).all() == []


def test_transactional_get_route_can(
    settings: Settings, database: TestDatabase, session: Session
) -> None:
    router = Router()

    @router.get("/writes")
    @transactional
    def writes(session: DbSession) -> None:
        session.add(Person(email="new@example.com"))

    with TestClient(extend(settings, database, router)) as client:
        assert client.get("/writes").status_code == 200
    assert session.scalars(select(Person.email)).all() == ["new@example.com"]


@pytest.fixture
def engine(settings: Settings, database: TestDatabase) -> Engine:
    url = database.engine.url.render_as_string(hide_password=False)
    return create_pooled_engine(url, settings.database)


def test_closed_connections_are_replaced(engine: Engine, session: Session) -> None:
    """All of them were closed while idle; the next one who asks does not notice."""
    connections = [engine.connect() for _ in range(3)]
    pids = [connection.scalar(text("SELECT pg_backend_pid()")) for connection in connections]
    for connection in connections:
        connection.close()
    killed = "SELECT count(pg_terminate_backend(pid, 5000)) FROM unnest(:pids) AS pid"
    assert session.scalar(text(killed), {"pids": pids}) == 3
    for _ in range(3):
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) not in pids
    engine.dispose()


def test_connection_that_dies_at_begin(engine: Engine, session: Session) -> None:
    """BEGIN is a statement as any other: its failure is SQLAlchemy's, and the pool hears of it."""
    transactional = begin_explicitly(engine)
    with transactional.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        pid = driver.info.backend_pid
        assert session.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(OperationalError) as caught:
            connection.begin()
        assert caught.value.connection_invalidated
    with transactional.begin() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_no_ping(engine: Engine) -> None:
    """Looking at a pooled connection costs no statement."""
    statements: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    for _ in range(2):
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    engine.dispose()
    assert statements == ["SELECT 1", "SELECT 1"]
