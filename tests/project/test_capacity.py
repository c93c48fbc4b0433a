"""`deploy/capacity.toml`: what it may say, and that it counts last and only where deployed."""

from pathlib import Path

import pytest

from project import capacity
from project.capacity import read_capacity
from project.errors import ImproperlyConfigured
from project.management.commands import diffsettings
from project.settings import Settings, load_settings

TEXT = """
[settings]
WORKERS = 3
DATABASE_POOL_SIZE = 12
[provenance]
measured = 2026-11-23T21:00:00Z
revision = "0123456789"
migration = "0010"
machine = "2-core"
cores = 2
capacity = 312.5
operating_rate = 218
"""
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "kJ8-x2Lq_9vRt4WzYb7NcEfGhMpS3uDa",
    "DATABASE_URL": "postgresql://app@db/app",
    "ALLOWED_HOSTS": "shop.example.com",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a deployment whose settings are otherwise complete."""
    path = tmp_path / "deploy" / "capacity.toml"
    path.parent.mkdir()
    path.write_text(TEXT)
    monkeypatch.setattr(capacity, "FILE", path)
    for name in (*capacity.NAMES, "SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    return path


def loaded(env_file: Path | None = None) -> Settings:
    return load_settings(env_file=env_file)


def test_it_counts_where_nobody_says_otherwise(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = loaded()
    assert (settings.server.workers, settings.database.pool_size) == (3, 12)
    assert settings.lanes.cpu_lane_size is None
    env_file = tmp_path / ".env"
    env_file.write_text("WORKERS=5\n")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "database_pool_size").write_text("6")
    monkeypatch.setenv("SECRETS_DIR", str(secrets))
    settings = loaded(env_file)
    assert (settings.server.workers, settings.database.pool_size) == (5, 6)
    monkeypatch.setenv("WORKERS", "7")
    assert loaded(env_file).server.workers == 7


@pytest.mark.parametrize("environment", ["development", "test"])
def test_development_and_tests_leave_it_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setenv("ENVIRONMENT", environment)
    file.write_text("[settings")
    assert loaded().server.workers == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[settings]", "[settings", "is no TOML"),
        ("[settings]", "[setting]", r"has no table \[settings\]"),
        ("WORKERS", "WORKRES", "has an unknown setting, WORKRES"),
        ("WORKERS = 3", "WORKERS = true", "WORKERS = True, which is no number"),
        ("WORKERS = 3", "WORKERS = 0", "WORKERS = 0, which is no number from 1 on"),
        ("cores = 2", "cores = 'two'", r"has no cores in \[provenance\]"),
        ("revision", "version", "has no revision"),
    ],
)
def test_a_broken_file_is_one_line(file: Path, old: str, new: str, complaint: str) -> None:
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(ImproperlyConfigured, match=rf"^deploy/capacity\.toml .*{complaint}") as one:
        loaded()
    assert "\n" not in str(one.value)
    assert "loadtest apply" in str(one.value)


def test_its_values_obey_the_rules_of_their_settings(file: Path) -> None:
    file.write_text(TEXT.replace("WORKERS = 3", "WORKERS = 900"))
    with pytest.raises(ImproperlyConfigured, match=r"capacity\.toml: WORKERS='900' should be less"):
        loaded()


def test_no_file_is_no_measurement(tmp_path: Path) -> None:
    assert read_capacity(tmp_path / "none.toml") is None


def test_diffsettings_names_it(file: Path) -> None:
    rows = {row.name: row for row in diffsettings.list_settings(loaded())}
    assert rows["WORKERS"][1:] == ("3", "capacity.toml")
    assert rows["REPLICAS"].source == "default"
