"""`check --deploy` looks whether what was measured is still about this deployment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from project import capacity
from project.checks import Subject
from project.checks.capacity import capacity_is_known
from project.db.migrations.history import head_revision
from project.web.lanes import available_cores

FOUND = """
[settings]
WORKERS = {workers}
[provenance]
measured = {measured}
revision = "0123456789"
migration = "{migration}"
machine = "a machine"
cores = {cores}
capacity = 312.5
operating_rate = 218.5
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "capacity.toml"
    monkeypatch.setattr(capacity, "FILE", path)
    return path


def written(path: Path, *, days: int = 1, workers: int = 1, cores: int = 0, at: str = "") -> None:
    measured = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    migration, cores = at or head_revision() or "", cores or available_cores()
    path.write_text(
        FOUND.format(workers=workers, measured=measured, migration=migration, cores=cores)
    )


def ids(*, environment: str = "production") -> list[str]:
    subject = Subject.load(())
    general = subject.settings.general.model_copy(update={"environment": environment})
    settings = subject.settings.model_copy(update={"general": general})
    return [problem.id for problem in capacity_is_known(replace(subject, settings=settings))]


def test_what_was_measured_of_this_is_fine(file: Path) -> None:
    written(file)
    assert ids() == []


def test_a_missing_file_is_said(file: Path) -> None:
    assert ids() == ["capacity.I001"]


def test_what_is_no_longer_true_is_said(file: Path) -> None:
    written(file, days=91)
    assert ids() == ["capacity.W001"]
    written(file, at="0001")
    assert ids() == ["capacity.W002"]
    written(file, cores=available_cores() + 1)
    assert ids() == ["capacity.W003"]


def test_what_somebody_overrides_is_said_where_it_counts(file: Path) -> None:
    written(file, workers=77)
    assert ids() == ["capacity.I002"]
    assert ids(environment="development") == []
