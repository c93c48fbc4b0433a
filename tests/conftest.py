"""Fixtures for everybody: a real database, the whole application, clients for it."""

import gc
import math
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

# Before anything reads a setting: whatever is set outside, this is a test.
os.environ["ENVIRONMENT"] = "test"

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy.orm import Session

from project.application import create_application
from project.db.engine import create_pooled_engine
from project.mail.mailers import MemoryMailer
from project.mail.message import Message
from project.runtime import Runtime
from project.settings import Settings, load_settings
from project.web.loop_guard import guarded
from tests.database import TestDatabase, worker_database
from tests.factories.base import bind_factories
from tests.guards import collected_statements, free_loop, query_budget
from tests.needs import LeftOut, need
from tests.people import SuiteBase

# Hundreds of applications are built and dropped: looking for garbage all the while takes long, and
# on Python 3.11 a look at a bad moment has locked a process up.
gc.set_threshold(50_000, 20, 20)

Headers = dict[str, str]
SignIn = Callable[..., Headers]
SENDING = 10.0
"""Seconds that mail may take to arrive in memory."""

QueryBudget = Callable[[int], AbstractContextManager[None]]


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    return LeftOut.if_needed(module_path, parent)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs minutes of real load, unless `-m` speaks of it."""
    if "loadtest" in config.option.markexpr:
        return
    timed = [item for item in items if item.get_closest_marker("loadtest")]
    if timed:
        config.hook.pytest_deselected(items=timed)
        items[:] = [item for item in items if item not in timed]


def pytest_runtest_setup(item: pytest.Item) -> None:
    need(*(app for mark in item.iter_markers("needs") for app in mark.args))


@pytest.fixture(autouse=True)
def loop_stays_free(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that blocks the event loop; `blocks_loop` marks those that may.

    `blocks_loop(0.5)` may for that many seconds.
    """
    marker = request.node.get_closest_marker("blocks_loop")
    longest = (*marker.args, math.inf)[0] if marker is not None else 0.0
    with nullcontext() if longest == math.inf else free_loop(longest):
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings from the environment alone; a developer's `.env` has no say.

    Uploads go into a folder of this run.
    """
    settings = load_settings(env_file=None)
    folder = tmp_path_factory.mktemp("media")
    media = settings.media.model_copy(update={"media_directory": folder})
    return settings.model_copy(update={"media": media})


@pytest.fixture(scope="session")
def engine_database(settings: Settings) -> Iterator[TestDatabase]:
    """This worker's database, for the whole run."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with worker_database(settings, worker) as url:
        address = url.render_as_string(hide_password=False)
        database = TestDatabase(create_pooled_engine(address, settings.database))
        with database.transactional.begin() as connection:
            SuiteBase.metadata.tables["suite_person"].create(connection)
        yield database
        database.engine.dispose()


@pytest.fixture
def database(
    engine_database: TestDatabase, request: pytest.FixtureRequest
) -> Iterator[TestDatabase]:
    """The database, as empty after the test as before it.

    Everything is rolled back; a test marked `committed` commits for real, and requests of
    it run side by side.
    """
    is_committed = request.node.get_closest_marker("committed") is not None
    mode = engine_database.committed if is_committed else engine_database.rolled_back
    with mode():
        yield engine_database


@pytest.fixture
def session(database: TestDatabase) -> Iterator[Session]:
    """A session for arranging and asserting; the factories use it, too."""
    with database.sessions() as session, bind_factories(session):
        yield session


@pytest.fixture(scope="session")
def application(settings: Settings, engine_database: TestDatabase) -> FastAPI:
    """The whole application, built once."""
    return create_application(settings, database=engine_database, env_file=None)


@pytest.fixture
def runtime(application: FastAPI) -> Runtime:
    runtime: Runtime = application.state.runtime
    return runtime


@pytest.fixture
def client(application: FastAPI, session: Session) -> Iterator[TestClient]:
    """A client that nobody has signed in with."""
    application.dependency_overrides.clear()
    with TestClient(application, follow_redirects=False) as client:
        yield client


@pytest.fixture
async def async_client(
    application: FastAPI, session: Session, settings: Settings
) -> AsyncIterator[AsyncClient]:
    """The same for asynchronous tests."""
    application.dependency_overrides.clear()
    transport = ASGITransport(application)  # which runs no lifespan
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        with guarded(settings):
            yield client
    runtime: Runtime = application.state.runtime
    await runtime.feeds.close()
    await runtime.async_database.close()


@pytest.fixture
def headers_for(session: Session, runtime: Runtime) -> Callable[[Any], Headers]:
    """Sign somebody in: a function from an account to the headers of its requests."""
    need("users")
    # Not at the top, since the users app may have been removed.
    services, sign_in = (import_module(f"apps.users.{name}") for name in ("services", "sign_in"))

    def sign_in_as(user: Any) -> Headers:
        grant = services.start_session(session, user_id=user.id, lifetime=timedelta(hours=1))
        session.commit()
        return {"Authorization": f"Bearer {sign_in.issue_access_token(runtime, grant)}"}

    return sign_in_as


@pytest.fixture
def signed_in(headers_for: Callable[[Any], Headers]) -> SignIn:
    """Open an account with these traits (`staff=True`) and return its requests' headers."""
    factories = import_module("tests.factories.users")
    return lambda **traits: headers_for(factories.UserFactory(**traits))


@pytest.fixture
def sent_mails(runtime: Runtime) -> Iterator[Callable[[], list[Message]]]:
    """What the application has sent: a function that waits for what is on its way."""
    assert isinstance(runtime.mailer, MemoryMailer)
    sent = runtime.mailer.sent
    sent.clear()

    def read() -> list[Message]:
        assert runtime.outbox.wait(SENDING)
        return list(sent)

    yield read
    assert runtime.outbox.wait(SENDING)
    sent.clear()


@pytest.fixture
def statements(engine_database: TestDatabase) -> Iterator[list[str]]:
    """Collects the SQL that runs during the test, savepoints left out."""
    with collected_statements(engine_database.engine) as collected:
        yield collected


@pytest.fixture
def max_queries(engine_database: TestDatabase) -> QueryBudget:
    """A budget: `with max_queries(2): client.get(…)` fails with the list of what ran."""
    return partial(query_budget, engine_database.engine)
