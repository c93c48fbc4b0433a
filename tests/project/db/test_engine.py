"""Deadlines on every connection, and a pool that never overflows."""

import pytest
from sqlalchemy import QueuePool, text

from project.db.engine import create_pooled_engine, create_single_engine, resolve_database_url
from project.errors import ImproperlyConfigured
from project.settings import DatabaseSettings, Settings
from tests.database import TestDatabase


def plain_url(database: TestDatabase) -> str:
    url = database.engine.url.difference_update_query(["options", "application_name"])
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("create", "statement", "idle"),
    [(create_pooled_engine, "1250ms", "30s"), (create_single_engine, "0", "0")],
)
def test_deadlines(engine_database: TestDatabase, create: type, statement: str, idle: str) -> None:
    """A command takes its time over a statement and a thought, but waits for no lock."""
    engine = create(
        plain_url(engine_database), DatabaseSettings(statement_timeout=1.25, lock_timeout=0.5)
    )
    with engine.connect() as connection:
        shown = {
            name: connection.scalar(text(f"SHOW {name}"))
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "client_connection_check_interval",
                "TimeZone",
                "application_name",
            )
        }
    engine.dispose()
    assert list(shown.values()) == [statement, "500ms", idle, "1s", "UTC", "lintel"]


def test_vanished_peer_is_given_up(engine_database: TestDatabase) -> None:
    """A server that is gone without a word must not keep a thread for ever."""
    engine = create_pooled_engine(plain_url(engine_database), DatabaseSettings())
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        parameters = driver.info.get_parameters() if driver else {}
    engine.dispose()
    assert parameters["keepalives_idle"] == "10"
    assert parameters["tcp_user_timeout"] == "10000"


def test_what_the_url_says_wins(engine_database: TestDatabase) -> None:
    url = f"{plain_url(engine_database)}&options=-c%20lock_timeout%3D7s&application_name=mine"
    engine = create_pooled_engine(url, DatabaseSettings())
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "7s"
        assert connection.scalar(text("SHOW statement_timeout")) == "5s"
        assert connection.scalar(text("SHOW application_name")) == "mine"
    engine.dispose()


def test_pool_never_overflows(engine_database: TestDatabase) -> None:
    engine = create_pooled_engine(plain_url(engine_database), DatabaseSettings(pool_size=3))
    assert isinstance(engine.pool, QueuePool)
    assert (engine.pool.size(), engine.pool._max_overflow) == (3, 0)
    assert engine.hide_parameters


@pytest.mark.parametrize("place", ["staging", "production"])
def test_no_embedded_server_where_strangers_come(settings: Settings, place: str) -> None:
    deployed = settings.model_copy(
        update={
            "general": settings.general.model_copy(update={"environment": place}),
            "database": settings.database.model_copy(update={"url": None}),
        }
    )
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        resolve_database_url(deployed)
