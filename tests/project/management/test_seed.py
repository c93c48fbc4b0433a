"""`manage.py seed`, on the suite's own database."""

from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.items.models import Item
from project.apps import AppConfig, Registry
from project.management.commands import seed
from tests.database import TestDatabase
from tests.project.management.conftest import Finished, run_manage


def run_seed(database: TestDatabase, *arguments: str, name: str | None = None) -> Finished:
    url = database.engine.url
    address = url.set(database=name or url.database).render_as_string(hide_password=False)
    return run_manage("seed", *arguments, DATABASE_URL=address)


@pytest.mark.committed
@pytest.mark.needs("orders")
def test_loads_samples_once(database: TestDatabase, session: Session) -> None:
    first, second = run_seed(database), run_seed(database)
    assert (first.returncode, first.stdout) == (0, "items: 40 rows\norders: 36 rows\n")
    assert (second.returncode, second.stdout) == (
        0,
        "items: has data already\norders: has data already\n",
    )
    assert session.scalar(select(func.count(Item.id))) == 40


@pytest.mark.committed
def test_generates_so_many_rows(database: TestDatabase, session: Session) -> None:
    finished = run_seed(database, "--items", "1_200")
    assert finished.returncode == 0
    assert finished.stdout.startswith("items: 1,200 rows in ")
    assert finished.stderr == ""  # nobody watches, so there is no bar
    assert session.scalar(select(func.count(Item.id))) == 1_200


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", ""])
def test_counts_are_whole_numbers(database: TestDatabase, count: str) -> None:
    finished = run_seed(database, f"--items={count}")
    assert finished.returncode == 2
    assert "--items: must be a whole number from 1 on" in finished.stderr


def test_database_that_was_never_migrated(database: TestDatabase) -> None:
    finished = run_seed(database, name="postgres")
    assert finished.returncode == 1
    assert finished.stderr.splitlines() == [
        "Error: The database lacks migrations: run `manage.py migrate` first."
    ]


def test_samples_come_in_the_apps_order(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry((AppConfig(label="a"), AppConfig(label="b"), AppConfig(label="c")))
    modules: dict[str, Any] = {label: ModuleType(label) for label in "abc"}
    modules["a"].sample = lambda _: 2
    modules["c"].sample = lambda _: 0
    monkeypatch.setattr(AppConfig, "find_module", lambda app, _: modules[app.label])
    assert seed.load_samples(session, registry) == {"a": 2, "c": 0}
