"""`.env.example` names every setting with its default, and nothing that does not exist."""

import re
from pathlib import Path

import pytest

from project.app_settings import SettingsOfApps
from project.apps import Registry
from project.management.catalogue import ROOT
from project.settings import INSTALLED_APPS, load_settings
from tests.environment import READ_BY_COMPOSE, environment_names

EXAMPLE = ROOT / ".env.example"
LINE = re.compile(r"^(?P<is_default># )?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$", re.MULTILINE)


def read(env_file: Path | None) -> tuple[object, ...]:
    """Every setting there is, those of apps included."""
    apps = SettingsOfApps.load(Registry.load(INSTALLED_APPS), env_file=env_file)
    return load_settings(env_file=env_file), dict(apps.by_label)


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment_names() | {"SECRETS_DIR"}:
        monkeypatch.delenv(name, raising=False)


def test_names() -> None:
    names = {line["name"] for line in LINE.finditer(EXAMPLE.read_text())}
    assert environment_names() - names == set(), "missing from .env.example"
    assert names - environment_names() - READ_BY_COMPOSE == set(), "no setting has this name"


def test_every_line_is_explained() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for previous, line in zip(["", *lines], lines, strict=False):
        if LINE.match(line):
            assert previous.startswith("# "), f"a comment has to stand above: {line}"


@pytest.mark.usefixtures("bare_environment")
def test_a_copy_changes_nothing() -> None:
    assert read(EXAMPLE) == read(None)


@pytest.mark.usefixtures("bare_environment")
def test_commented_values_are_the_defaults(tmp_path: Path) -> None:
    everything = tmp_path / ".env"
    everything.write_text(LINE.sub(r"\g<name>=\g<value>", EXAMPLE.read_text()))
    assert read(everything) == read(None)


def test_no_secret() -> None:
    secrets = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "POSTGRES_PASSWORD"}
    for line in LINE.finditer(EXAMPLE.read_text()):
        assert line["name"] not in secrets or not line["value"]
