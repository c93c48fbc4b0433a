from sqlalchemy import text

from project.db.base import Base
from project.db.migrations import unclaimed_tables
from project.management.environment import load_registry
from tests.database import TestDatabase


def test_unclaimed_tables(engine_database: TestDatabase) -> None:
    """What a removed app has left is named; declared tables, partitions and views are not."""
    load_registry()
    with engine_database.engine.connect() as connection:
        connection.execution_options(isolation_level="READ COMMITTED")
        before = set(unclaimed_tables(connection))  # the suite's own, and those of removed apps
        assert not before & set(Base.metadata.tables)
        for statement in (
            "CREATE TABLE shop_order (id int)",
            "CREATE TABLE blog_post (id int) PARTITION BY RANGE (id)",
            "CREATE TABLE blog_post_1 PARTITION OF blog_post FOR VALUES FROM (1) TO (9)",
            "CREATE VIEW blog_view AS SELECT 1 AS one",
        ):
            connection.execute(text(statement))
        assert set(unclaimed_tables(connection)) - before == {"blog_post", "shop_order"}
        connection.rollback()
