"""Names of tables and constraints, which migrations rely on for years."""

from importlib import import_module

import pytest
from sqlalchemy import BigInteger, DateTime, inspect

from project.db.base import MAXIMUM_ID, NAMING_CONVENTION, Base, snake_case
from tests.database import TestDatabase


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("User", "user"),
        ("AuthSession", "auth_session"),
        ("HTTPServer", "http_server"),
        ("OAuth2Token", "o_auth2_token"),
        ("X", "x"),
    ],
)
def test_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == snake


@pytest.mark.needs("users")
def test_tables_are_named_after_app_and_class() -> None:
    models = import_module("apps.users.models")
    names = models.User.__tablename__, models.RefreshToken.__tablename__
    assert names == ("users_user", "users_refresh_token")


def test_every_constraint_has_a_name_by_convention(engine_database: TestDatabase) -> None:
    """In the migrated database itself, not only in the models."""
    inspector = inspect(engine_database.engine)
    prefixes = tuple(f"{kind}_" for kind in NAMING_CONVENTION)
    for table in Base.metadata.tables:
        names = [inspector.get_pk_constraint(table)["name"]]
        names += [key["name"] for key in inspector.get_foreign_keys(table)]
        names += [key["name"] for key in inspector.get_unique_constraints(table)]
        names += [key["name"] for key in inspector.get_check_constraints(table)]
        names += [index["name"] for index in inspector.get_indexes(table)]
        assert [name for name in names if not str(name).startswith(prefixes)] == []


def test_keys_are_bigint_and_times_know_their_zone() -> None:
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if column.autoincrement is True or column.identity is not None:
                assert isinstance(column.type, BigInteger)
            if isinstance(column.type, DateTime):
                assert column.type.timezone
    assert MAXIMUM_ID == 9_223_372_036_854_775_807
