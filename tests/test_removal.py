"""Any sample app can be removed, and what is left is a whole project.

Here each case is looked at; `.ci/run` runs the whole suite of the hardest one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.apps import Registry
from project.settings import INSTALLED_APPS
from tests.copies import ProjectCopy
from tests.database import TestDatabase
from tests.processes import fresh_database

SAMPLES = ("health", "users", "items", "orders", "audit", "jobs")
CASES = [
    ("orders",),
    ("orders", "items"),
    ("orders", "items", "users"),
    ("health",),
    ("audit",),
    ("jobs",),
]
TOGETHER = {
    "tests/apps/jobs/test_admin.py",
    "tests/apps/throttling/test_flood.py",
    "tests/apps/throttling/test_mails.py",
    "tests/apps/monitoring/test_admin.py",
    "tests/apps/throttling/test_failing_open.py",
    "tests/apps/throttling/test_routes.py",
    "tests/apps/throttling/test_sign_in.py",
    "tests/apps/users/test_api_keys.py",
}
"""Tests of what two apps do with each other, which neither requires."""

QUICK = "test_repository or test_environment_example or test_scenarios"


@pytest.fixture(params=CASES, ids=" ".join)
def removed(request: pytest.FixtureRequest) -> tuple[str, ...]:
    labels: tuple[str, ...] = request.param
    if not set(SAMPLES) <= {app.label for app in Registry.load(INSTALLED_APPS)}:
        pytest.skip("about sample apps that are not installed")
    return labels


@pytest.fixture
def rest(
    removed: tuple[str, ...], tmp_path: Path, engine_database: TestDatabase
) -> Iterator[ProjectCopy]:
    """A project without these apps, and an empty database."""
    with fresh_database(engine_database.engine) as url:
        copy = ProjectCopy.make(tmp_path, url)
        for label in removed:
            copy.remove(label)
        yield copy


def test_what_is_left_is_whole(rest: ProjectCopy, removed: tuple[str, ...]) -> None:
    """It migrates an empty database, drops nobody's tables and serves what is left."""
    rest.expect("migrate")
    before = rest.tables()
    assert "No changes" in rest.expect("makemigrations", "--check")
    assert rest.tables() == before
    # The one thing to be said: tables of removed apps are still there.
    left = {table for table in before if table.startswith(tuple(f"{name}_" for name in removed))}
    found = set(re.findall(r"^(\S+): \((\w+\.\w\d+)\)", rest.expect("check"), re.MULTILINE))
    assert found == {(table, "database.W001") for table in left}
    assert not set(removed) & set(rest.expect("routes").split())


def test_what_is_left_of_the_suite_passes(rest: ProjectCopy) -> None:
    """All of it is imported; what is quick, each remaining app's journeys included, is run."""
    said = rest.expect("test", "-q", "-k", QUICK)
    assert re.search(r"\b\d{2,} passed", said), said
    # An app's tests stand on what it requires and on nothing else, unless they are about both.
    assert set(re.findall(r"SKIPPED.*(tests/apps/\w+/\S+)", said)) <= TOGETHER
