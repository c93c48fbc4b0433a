"""PgBouncer in transaction mode: more of our connections than it has, and nothing mixed up."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

from project.checks import Subject, database
from project.db.notifications import CHANNEL, Listener
from project.db.session import Database
from project.settings import DatabaseSettings, Settings
from project.web.gate import Gate
from tests.database import TestDatabase
from tests.deploy.poolers import pooling
from tests.processes import environment_for, fresh_database, run_manage, serving

DEADLINES = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
TIMES = 12
"""More than the executions after which psycopg prepares a statement."""


class Way(NamedTuple):
    """Through the pooler and past it."""

    pooled: URL
    direct: URL

    @property
    def variables(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.pooled.render_as_string(hide_password=False),
            "DATABASE_DIRECT_URL": self.direct.render_as_string(hide_password=False),
        }

    def settings(self, settings: Settings) -> Settings:
        own = DatabaseSettings(
            url=self.variables["DATABASE_URL"], direct_url=self.variables["DATABASE_DIRECT_URL"]
        )
        return settings.model_copy(update={"database": own})


@pytest.fixture(scope="module")
def way(engine_database: TestDatabase) -> Iterator[Way]:
    with fresh_database(engine_database.engine, is_migrated=True) as direct:
        _say(direct, *(f"SET {name} = '500ms'" for name in DEADLINES), "SET TimeZone = 'UTC'")
        with pooling(direct) as pooled:
            yield Way(pooled, direct)


def _say(url: URL, *settings: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in settings:
            connection.execute(text(f'ALTER DATABASE "{url.database}" {setting}'))
    engine.dispose()


@pytest.fixture
def pooled(way: Way, settings: Settings) -> Iterator[Database]:
    database = Database.from_settings(way.settings(settings))
    yield database
    database.close()


def test_eight_threads_share_three_connections(pooled: Database) -> None:
    """Reads and transactions, each statement often enough to be prepared if it could be."""

    def work(number: int) -> list[int]:
        seen = []
        for _ in range(TIMES):
            with pooled.reading() as session:
                seen.append(session.execute(text("SELECT 10 * :n"), {"n": number}).scalar_one())
            with pooled.transaction() as session:
                session.execute(text("SET LOCAL application_name = 'mine'"))
                seen.append(session.execute(text("SELECT 10 * :n"), {"n": number}).scalar_one())
        return seen

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(work, range(8)))
    assert answers == [[10 * number] * 2 * TIMES for number in range(8)]
    with pooled.probe() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert (connection.scalar(text(query)) or 0) <= 3


def test_the_deadlines_of_the_database_hold(pooled: Database) -> None:
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        pooled.transaction() as session,
    ):
        session.execute(text("SELECT pg_sleep(20)"))
    with pooled.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1


@pytest.mark.anyio
async def test_listening_goes_past_the_pooler(
    way: Way, settings: Settings, pooled: Database
) -> None:
    own = way.settings(settings).database
    gate = Gate("test", size=2, queue_size=1, queue_timeout=1.0)
    asynchronous = pooled.open_asynchronous(own, gate)
    heard, connected = asyncio.Queue[str](), asyncio.Event()
    listener = Listener(
        asynchronous.listening, on_notify=heard.put_nowait, on_connect=connected.set
    )
    task = asyncio.create_task(listener.run())
    async with asyncio.timeout(30):
        await connected.wait()
        for number in range(TIMES):
            async with asynchronous.transaction() as session:
                values = {"channel": CHANNEL, "payload": f"t:{number}"}
                await session.execute(text("SELECT pg_notify(:channel, :payload)"), values)
        assert [await heard.get() for _ in range(TIMES)] == [f"t:{n}" for n in range(TIMES)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asynchronous.close()


@pytest.mark.needs("items", "health")
def test_a_server_behind_it(way: Way, tmp_path: Path) -> None:
    env = environment_for(way.direct, **way.variables)
    with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
        assert server.read("/health/ready")[0] == 200
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(server.read, ["/api/v1/items/"] * 8 * TIMES))
        assert {status for status, _ in answers} == {200}
        assert json.loads(answers[0][1])["items"] == []
        assert "Traceback" not in server.output


def test_migrate_goes_past_it(way: Way, engine_database: TestDatabase) -> None:
    with fresh_database(engine_database.engine) as empty:
        through = way.pooled.set(database=empty.database)
        env = environment_for(empty, **Way(through, empty).variables)
        finished = run_manage("migrate", env=env)
        assert finished.returncode == 0, finished.stderr
        assert run_manage("migrate", "--check", env=env).returncode == 0


def test_a_check_names_the_deadlines_that_are_missing(
    way: Way, engine_database: TestDatabase
) -> None:
    subject = Subject.load(())
    subject = replace(subject, settings=way.settings(subject.settings))
    with fresh_database(engine_database.engine) as bare:
        _set(bare, "lock_timeout", "0s")  # which is none
        for url, expected in ((way.direct, 0), (bare, 4)):
            engine = create_engine(url)
            with engine.connect() as connection:
                looking = replace(subject, connection=connection)
                found = list(database.pooled_deadlines_hold(looking))
            engine.dispose()
            assert [problem.id for problem in found] == ["database.W005"] * expected


def _set(url: URL, name: str, value: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"ALTER DATABASE \"{url.database}\" SET {name} = '{value}'"))
    engine.dispose()
