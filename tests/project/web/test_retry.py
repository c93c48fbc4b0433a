"""A transaction that lost to another one is run again, and its client never hears of it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, File, Response
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from project.application import create_application
from project.db.commit import on_commit
from project.db.retry import ATTEMPTS
from project.settings import Settings
from project.web.route import Router
from project.web.transaction import DbSession, InTransaction
from tests.database import TestDatabase
from tests.people import PersonFactory

LOST = "DO $$ BEGIN RAISE 'lost' USING ERRCODE = '40001'; END $$"
LOSING_TRIGGER = """
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'lost' USING ERRCODE = '40001'; END $$;
CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON suite_person DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.full_name = '1') EXECUTE FUNCTION lose()
"""
RENAME = text("UPDATE suite_person SET full_name = full_name || :mark WHERE id = :id")
NAME = text("SELECT full_name FROM suite_person WHERE id = :id")

Build = Callable[[Router], TestClient]


@pytest.fixture
def build(settings: Settings, database: TestDatabase) -> Iterator[Build]:
    """Build an application with one router more and start it."""
    clients: list[TestClient] = []

    def build(router: Router) -> TestClient:
        app = create_application(settings, database=database)
        app.include_router(router)
        clients.append(TestClient(app).__enter__())
        return clients[-1]

    yield build
    for client in clients:
        client.__exit__(None, None, None)


def lose(session: Session, attempts: list[int], *, times: int) -> int:
    """Lose so many times, counting; return which attempt this is."""
    attempts.append(len(attempts) + 1)
    if len(attempts) <= times:
        session.execute(text(LOST))
    return attempts[-1]


@pytest.mark.committed
def test_deadlock(build: Build, session: Session) -> None:
    """Two requests take the same two rows crosswise: one is ended, runs again, and both succeed."""
    first, second = (person.id for person in PersonFactory.create_batch(2, full_name="x"))
    router, both, attempts = Router(), threading.Barrier(2), list[str]()

    @router.post("/cross")
    def cross(session: DbSession, one: int, other: int, mark: str) -> dict[str, str]:
        session.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
        attempts.append(mark)
        session.execute(RENAME, {"mark": mark, "id": one})
        if attempts.count(mark) == 1:
            both.wait(10)
        session.execute(RENAME, {"mark": mark, "id": other})
        return {}

    client = build(router)
    urls = [
        f"/cross?one={first}&other={second}&mark=a",
        f"/cross?one={second}&other={first}&mark=b",
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(client.post, urls))
    names = {"".join(sorted(session.scalar(NAME, {"id": key}) or "")) for key in (first, second)}
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (len(attempts), names) == (3, {"abx"})


@pytest.mark.committed
def test_serialization_failure(build: Build, session: Session) -> None:
    """Two serializable transactions read, then write what the other has read."""
    person = PersonFactory(full_name="x")
    router, both, attempts = Router(), threading.Barrier(2), list[str]()

    @router.post("/append")
    def append(session: DbSession, mark: str) -> dict[str, str]:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
        name = session.scalar(NAME, {"id": person.id})
        attempts.append(mark)
        if attempts.count(mark) == 1:
            both.wait(10)
        session.execute(
            text("UPDATE suite_person SET full_name = :name WHERE id = :id"),
            {"name": f"{name}{mark}", "id": person.id},
        )
        return {}

    client = build(router)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(client.post, ["/append?mark=a", "/append?mark=b"]))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(attempts) == 3
    assert sorted(session.scalar(NAME, {"id": person.id}) or "") == ["a", "b", "x"]


@pytest.mark.committed
def test_who_loses_every_time_is_told(
    build: Build, session: Session, database: TestDatabase
) -> None:
    """Somebody else changes the row before each attempt has done so: 503 after the third."""
    person = PersonFactory(full_name="x")
    router = Router()

    @router.post("/late")
    def late(session: DbSession) -> None:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        session.scalar(NAME, {"id": person.id})
        with database.transactional.begin() as other:
            other.execute(RENAME, {"mark": "o", "id": person.id})
        session.execute(RENAME, {"mark": "m", "id": person.id})

    answer = build(router).post("/late")
    assert (answer.status_code, answer.json()["code"]) == (503, "concurrent_change")
    assert answer.headers["Retry-After"] == "1"
    assert session.scalar(NAME, {"id": person.id}) == "x" + "o" * ATTEMPTS


@pytest.mark.committed
def test_failure_at_the_commit_is_run_again(build: Build, session: Session) -> None:
    """The answer is ready, but the commit refuses: nothing of it has left."""
    session.execute(text(LOSING_TRIGGER))
    session.commit()
    attempts: list[int] = []
    router = Router()

    @router.post("/insert")
    def insert(session: DbSession) -> dict[str, int]:
        attempts.append(1)
        values = {"email": "a@example.com", "name": str(len(attempts))}
        insertion = "INSERT INTO suite_person (email, full_name) VALUES (:email, :name)"
        session.execute(text(insertion), values)
        return {"attempt": len(attempts)}

    answer = build(router).post("/insert")
    session.execute(text("DROP FUNCTION lose CASCADE"))
    session.commit()
    assert (answer.status_code, answer.json()) == (200, {"attempt": 2})


def test_everything_in_the_hop_is_made_anew(build: Build) -> None:
    """Providers run again, and each gets the new session."""
    attempts: list[int] = []
    provided: list[Session] = []
    router = Router()

    def provider(session: DbSession) -> Session:
        provided.append(session)
        return session

    @router.get("/anew")
    def anew(
        session: DbSession, same: Annotated[Session, InTransaction(provider)]
    ) -> dict[str, Any]:
        number = lose(session, attempts, times=2)
        return {"attempt": number, "same": same is session}

    assert build(router).get("/anew").json() == {"attempt": 3, "same": True}
    assert len(set(map(id, provided))) == ATTEMPTS


def test_headers_cookies_and_tasks_count_once(build: Build) -> None:
    """What a dependency outside the hop has written stays; a lost attempt's is forgotten."""
    attempts: list[int] = []
    sent: list[str] = []
    router = Router()

    async def outside(response: Response, tasks: BackgroundTasks) -> Callable[[str], None]:
        response.headers.append("X-Outside", "once")
        tasks.add_task(sent.append, "outside")
        return lambda letter: tasks.add_task(sent.append, letter)

    @router.get("/written")
    def written(
        session: DbSession, response: Response, send: Annotated[Any, Depends(outside)]
    ) -> dict[str, int]:
        response.headers.append("X-Inside", "once")
        response.set_cookie("seen", "1")
        send("inside")
        if not attempts:
            response.status_code = 202
        return {"attempt": lose(session, attempts, times=1)}

    answer = build(router).get("/written")
    assert (answer.status_code, answer.json()) == (200, {"attempt": 2})
    names = [name for name, _ in answer.headers.multi_items()]
    assert [names.count(name) for name in ("x-outside", "x-inside", "set-cookie")] == [1, 1, 1]
    assert sent == ["outside", "inside"]


def test_what_has_been_read_is_not_run_again(build: Build) -> None:
    """A file that the first attempt has read is at its end: the client sends it again."""
    attempts: list[int] = []
    router = Router()

    @router.post("/file")
    def upload(session: DbSession, file: Annotated[bytes, File()]) -> dict[str, int]:
        return {"attempt": lose(session, attempts, times=1)}

    answer = build(router).post("/file", files={"file": b"x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "concurrent_change")
    assert attempts == [1]


@pytest.mark.parametrize("sqlstate", ["23505", "55P03", "57014", "XX000"])
def test_other_errors_are_not_run_again(build: Build, sqlstate: str) -> None:
    attempts: list[int] = []
    router = Router()

    @router.post("/other")
    def other(session: DbSession) -> None:
        attempts.append(1)
        session.execute(text(LOST.replace("40001", sqlstate)))

    assert build(router).post("/other").status_code >= 400
    assert attempts == [1]


def test_endpoint_may_deal_with_it_itself(build: Build) -> None:
    router = Router()

    @router.get("/mine")
    def mine(session: DbSession) -> dict[str, str]:
        try:
            with session.begin_nested():
                session.execute(text(LOST))
        except DBAPIError:
            return {"answer": "mine"}
        return {}

    assert build(router).get("/mine").json() == {"answer": "mine"}


@pytest.mark.parametrize(("losses", "followed"), [(0, [1]), (2, [3]), (ATTEMPTS, [])])
def test_what_follows_a_commit_follows_it_once(
    build: Build, losses: int, followed: list[int]
) -> None:
    """What a lost attempt wanted to delete, send or forget stays."""
    router, attempts, seen = Router(), list[int](), list[int]()

    @router.post("/follow")
    def follow(session: DbSession) -> dict[str, str]:
        on_commit(session, lambda: seen.append(len(attempts)))
        lose(session, attempts, times=losses)
        return {}

    build(router).post("/follow")
    assert seen == followed
