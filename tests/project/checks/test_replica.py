"""Whether DATABASE_REPLICA_URL names what it should."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from project.checks import Subject
from project.checks import replica as checks
from project.settings import ServerSettings
from tests.processes import environment_for, run_manage
from tests.replicas import Pair, streaming


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with streaming(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


def ids(pair: Pair, look: Any, subject: Subject | None = None, **replica: Any) -> list[str]:
    subject = subject or Subject.load(())
    engine = create_engine(pair.primary.url())
    with engine.connect() as connection:
        settings = pair.settings(subject.settings, **replica)
        found = list(look(replace(subject, settings=settings, connection=connection)))
    engine.dispose()
    return [problem.id for problem in found]


def test_a_replica(pair: Pair) -> None:
    assert ids(pair, checks.replica_follows) == []
    assert ids(pair, checks.replica_follows, url=None) == []


def test_what_is_none(pair: Pair) -> None:
    assert ids(pair, checks.replica_follows, url=pair.primary.url()) == ["database.E006"]
    other = pair.standby.url("postgres")
    assert ids(pair, checks.replica_follows, url=other) == ["database.E007"]
    nowhere = "postgresql+psycopg://postgres@127.0.0.1:9/lintel"
    assert ids(pair, checks.replica_follows, url=nowhere) == ["database.W006"]


def test_its_connections_are_counted(pair: Pair) -> None:
    assert ids(pair, checks.replica_connections_fit) == []
    subject = Subject.load(())
    server = ServerSettings(workers=4, replicas=3)
    subject = replace(subject, settings=subject.settings.model_copy(update={"server": server}))
    assert ids(pair, checks.replica_connections_fit, subject) == ["database.E008"]


def test_the_command_says_it(pair: Pair) -> None:
    url = make_url(pair.primary.url())
    env = environment_for(url, DATABASE_REPLICA_URL=pair.primary.url())
    finished = run_manage("check", "--tag", "database", env=env)
    assert finished.returncode == 1
    assert "database.E006" in finished.stderr
