"""The laboratory's own database: where it may be, what is in it, and that it goes."""

from dataclasses import dataclass

import pytest
from sqlalchemy import URL, NullPool, create_engine, func, make_url, select, table, text

from loadtests.lab.database import (
    SEEDS,
    Refused,
    laboratory_database,
    own_name,
    refuse,
    refuse_address,
)
from project.settings import Settings
from tests.database import TestDatabase
from tests.database import own_name as suite_name


@dataclass(frozen=True)
class Place:
    """A server and a name that no other run uses."""

    server: URL
    name: str


@pytest.fixture
def place(engine_database: TestDatabase) -> Place:
    server = engine_database.engine.url.difference_update_query(["options"])
    return Place(server, suite_name("loadtest"))


def exists(place: Place) -> bool:
    engine = create_engine(place.server.set(database="postgres"), poolclass=NullPool)
    known = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    with engine.connect() as connection:
        found = connection.scalar(known, {"name": place.name})
    engine.dispose()
    return bool(found)


@pytest.mark.needs("items", "orders")
def test_it_is_filled_and_dropped(place: Place) -> None:
    with laboratory_database(
        users=3, items=5, orders=7, server=place.server, name=place.name
    ) as url:
        assert url.database == place.name
        engine = create_engine(url)
        tables = [table(name) for name in SEEDS]
        with engine.connect() as connection:
            counts = [connection.scalar(select(func.count()).select_from(t)) for t in tables]
        engine.dispose()
        assert counts == [3, 5, 7, 7]
    assert not exists(place)


def test_two_load_tests_do_not_share_one(place: Place) -> None:
    again = laboratory_database(users=1, items=1, orders=1, server=place.server, name=place.name)
    with (
        laboratory_database(users=1, items=1, orders=1, server=place.server, name=place.name),
        pytest.raises(Refused, match="Another load test"),
        again,
    ):
        pass
    assert not exists(place)


def test_production_is_refused(settings: Settings) -> None:
    general = settings.general.model_copy(update={"environment": "production"})
    with pytest.raises(Refused, match="ENVIRONMENT is production"):
        refuse(settings.model_copy(update={"general": general}))
    refuse(settings)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://db.example.com/shop",
        "postgresql:///shop?host=10.0.0.7",
        "postgresql://8.8.8.8/x",
    ],
)
def test_a_database_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="LOADTEST_ALLOWED_HOSTS"):
        refuse_address(make_url(address))


@pytest.mark.parametrize(
    "address", ["postgresql://127.0.0.1/shop", "postgresql:///shop?host=/tmp/pg", "postgresql:///x"]
)
def test_this_machine_is_not(address: str) -> None:
    refuse_address(make_url(address))


def test_a_database_elsewhere_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADTEST_ALLOWED_HOSTS", "db.example.com")
    refuse_address(make_url("postgresql://db.example.com/shop"))


def test_its_name_is_beside_the_one_that_is_named() -> None:
    assert own_name(make_url("postgresql://localhost/shop")) == "shop_loadtest"
    assert len(own_name(make_url(f"postgresql://localhost/{'x' * 63}"))) == 63
