"""Somebody who is asked thinks about it for a while; nobody waits for them."""

from alembic.autogenerate import produce_migrations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Date, Integer, MetaData, NullPool, Table, Text, create_engine, text

from project.db.base import Base
from project.db.migrations.renames import Rename, carry_out_renames
from tests.database import TestDatabase
from tests.processes import fresh_database


def test_no_lock_is_held_while_somebody_is_asked(engine_database: TestDatabase) -> None:
    """What was agreed to is carried out once more after each question."""
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    Table("lent", metadata, Column("c", Integer), Column("d", Text), Column("f", Date))
    asked: list[str] = []

    def decide(rename: Rename) -> bool:
        with engine.connect() as other:
            other.execute(text("LOCK TABLE lent IN ACCESS SHARE MODE NOWAIT"))
        asked.append(rename.option)
        return rename.new != "f"

    with fresh_database(engine_database.engine) as url:
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE lent (a int, b text, e date)"))
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
            script = produce_migrations(context, metadata)
            found = carry_out_renames(context, script, decide)
    assert sorted(asked) == ["lent.a:c", "lent.b:d", "lent.e:f"]
    assert len(found.renames) == 2
    left = [one[0] for one in found.script.upgrade_ops_list[-1].as_diffs()]
    assert left == ["add_column", "remove_column"]
