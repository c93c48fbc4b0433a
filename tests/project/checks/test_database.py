"""The pool as it has to be, and the database as the code expects it."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from project.checks import Check, Subject, database
from project.checks.framework import NO_SERVER
from project.db.migrations import history
from project.db.session import Database
from project.settings import INSTALLED_APPS
from tests.database import TestDatabase
from tests.processes import fresh_database


@pytest.fixture
def subject() -> Subject:
    return Subject.load(())


def ids(look: Check, subject: Subject) -> list[str]:
    return [problem.id for problem in look(subject)]


@pytest.mark.parametrize("options", [{"pool_size": 50}, {"max_overflow": 5}])
def test_a_pool_that_is_not_its_lane(subject: Subject, options: dict[str, int]) -> None:
    assert ids(database.threads_match_connections, subject) == []
    defaults = {"pool_size": subject.settings.database.pool_size, "max_overflow": 0}
    other = Database(create_engine(NO_SERVER, **(defaults | options)))
    subject.application.state.runtime = replace(subject.runtime, database=other)
    assert ids(database.threads_match_connections, subject) == ["database.E001"]


def test_hidden_files_among_the_migrations(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "VERSIONS", tmp_path)
    monkeypatch.setattr(database, "ROOT", tmp_path)
    (tmp_path / "0001_initial.py").touch()
    assert ids(database.migrations_are_visible, subject) == []
    (tmp_path / "._0001_initial.py").touch()
    (problem,) = database.migrations_are_visible(subject)
    assert (problem.id, problem.obj) == ("database.E005", "._0001_initial.py")


def test_without_a_connection_nobody_looks(subject: Subject) -> None:
    assert ids(database.tables_have_models, subject) == []
    assert ids(database.migrations_are_applied, subject) == []


def test_a_table_that_no_app_has(engine_database: TestDatabase) -> None:
    subject = Subject.load(INSTALLED_APPS)
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            looking = replace(subject, connection=connection)
            before = list(database.tables_have_models(looking))  # of apps that were removed
            connection.execute(text("CREATE TABLE shop_removed (id int)"))
            (problem,) = (p for p in database.tables_have_models(looking) if p not in before)
        engine.dispose()
    assert (problem.id, problem.obj) == ("database.W001", "shop_removed")


def test_a_database_that_may_not_be_looked_at(
    subject: Subject, engine_database: TestDatabase
) -> None:
    """One check says so, and the others go on."""
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text("ALTER TABLE alembic_version RENAME version_num TO other"))
            connection.commit()
            (problem,) = database.migrations_are_applied(replace(subject, connection=connection))
            assert problem.id == "database.E004"
            assert "version_num" in problem.message
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()


def test_pending_migrations(subject: Subject, engine_database: TestDatabase) -> None:
    with engine_database.engine.connect() as connection:
        assert ids(database.migrations_are_applied, replace(subject, connection=connection)) == []
    with fresh_database(engine_database.engine) as url:
        empty = create_engine(url)
        with empty.connect() as connection:
            looking = replace(subject, connection=connection)
            assert ids(database.migrations_are_applied, looking) == ["database.W002"]
        empty.dispose()
