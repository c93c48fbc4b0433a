"""Procrastinate's tables: the library's own, and in nobody's way."""

import re
from importlib.resources import files

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.orm import Session

from project.db.migrations import alembic_config, unclaimed_tables
from project.db.migrations.schemas import Content, difference
from project.tasks.tables import are_there, forget_jobs
from tests.database import TestDatabase
from tests.processes import fresh_database
from tests.project.tasks.lab import tasks

SETTING = re.compile(r"\n\s*SET search_path TO 'procrastinate', 'pg_temp'")


def test_tables_are_those_of_the_library(engine_database: TestDatabase) -> None:
    """An upgrade of the library that changes them needs a migration: see 0011."""
    schema = files("procrastinate").joinpath("sql/schema.sql").read_text("utf-8")
    engine = engine_database.engine
    with (
        fresh_database(engine) as theirs,
        fresh_database(engine, is_migrated=True) as ours,
        create_engine(theirs, poolclass=NullPool).connect() as fresh,
        create_engine(ours, poolclass=NullPool).connect() as migrated,
    ):
        fresh.execute(text("CREATE SCHEMA procrastinate"))
        fresh.execute(text("SET LOCAL search_path = procrastinate"))
        fresh.execute(text(schema))
        fresh.commit()
        expected, found = Content.read(theirs, fresh), Content.read(ours, migrated)
    own = {
        name: SETTING.sub("", body)
        for name, body in found.objects.items()
        if "Schema: procrastinate;" in name or name.startswith("Name: procrastinate;")
    }
    assert len(own) > 50
    assert difference(Content(expected.objects, {}), Content(own, {})) == []


def test_nobody_meets_them_in_public(session: Session) -> None:
    connection = session.connection()
    assert are_there(connection)
    assert not [name for name in unclaimed_tables(connection) if "procrast" in name]
    assert not [name for name in inspect(connection).get_table_names() if "procrast" in name]


def test_jobs_are_forgotten(session: Session) -> None:
    tasks.wait.enqueue(session, "x")
    forget_jobs(session)
    left = "SELECT count(*) FROM procrastinate.procrastinate_jobs"
    assert session.scalar(text(left)) == 0


@pytest.mark.blocks_loop
def test_they_go_with_their_migration(engine_database: TestDatabase) -> None:
    with (
        fresh_database(engine_database.engine, is_migrated=True) as url,
        create_engine(url, poolclass=NullPool).connect() as connection,
    ):
        command.downgrade(alembic_config(connection), "0010")
        assert not are_there(connection)
        command.upgrade(alembic_config(connection), "0011")
        assert are_there(connection)
