from collections.abc import Iterator

import pytest

from tests.database import TestDatabase
from tests.processes import fresh_database
from tests.project.tasks.workers import Lab, build_lab


@pytest.fixture(scope="package")
def built_lab(
    tmp_path_factory: pytest.TempPathFactory, engine_database: TestDatabase
) -> Iterator[Lab]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        lab = build_lab(tmp_path_factory.mktemp("lab"), url)
        yield lab
        lab.engine.dispose()


@pytest.fixture
def lab(built_lab: Lab) -> Lab:
    """A project with the app `lab`, and no jobs yet."""
    built_lab.empty()
    return built_lab
