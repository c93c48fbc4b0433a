"""Settings of single apps: read under the app's prefix, wrong ones named, misspelt ones found."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.app_settings import AppSettings, SettingsOfApps, find_unknown
from project.apps import Registry
from project.errors import AppError, ImproperlyConfigured

SETTINGS = """
from project.app_settings import AppSettings

class LabSettings(AppSettings):
    size: int = 3
    secret_word: str = "none"
"""

Load = Callable[..., SettingsOfApps]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """One installed app, `lab`, with settings."""
    folder = tmp_path / "lab_settings_app"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "app.py").write_text(
        'from project.apps import AppConfig\napp = AppConfig(label="lab")\n'
    )
    (folder / "settings.py").write_text(SETTINGS)
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry.load(["lab_settings_app"])
    for name in ("", ".app", ".settings"):
        sys.modules.pop(f"lab_settings_app{name}", None)


def lab(settings: SettingsOfApps) -> dict[str, object]:
    return settings.by_label["lab"].model_dump()


def test_defaults(registry: Registry) -> None:
    assert lab(SettingsOfApps.load(registry, env_file=None)) == {"size": 3, "secret_word": "none"}


def test_sources_in_their_order(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("LAB_SIZE=4\nLAB_SECRET_WORD=file\nOTHER=1\n")
    monkeypatch.setenv("LAB_SIZE", "5")
    found = SettingsOfApps.load(registry, env_file=tmp_path / ".env")
    assert lab(found) == {"size": 5, "secret_word": "file"}


def test_secrets_directory(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "lab_secret_word").write_text("hush")
    monkeypatch.setenv("SECRETS_DIR", str(secrets))
    assert lab(SettingsOfApps.load(registry, env_file=None))["secret_word"] == "hush"


def test_wrong_values_are_one_line(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SIZE", "many")
    with pytest.raises(ImproperlyConfigured) as caught:
        SettingsOfApps.load(registry, env_file=None)
    assert str(caught.value).startswith(
        "Settings of apps: LAB_SIZE='many' should be a valid integer"
    )
    assert str(caught.value).count("many") == 1


def test_settings_of_an_app_that_is_not_installed(registry: Registry) -> None:
    with pytest.raises(AppError, match="AppSettings is of no installed app"):
        SettingsOfApps.load(registry, env_file=None).of(AppSettings)


def test_a_file_without_a_class(registry: Registry) -> None:
    module = registry.apps[0].find_module("settings")
    assert module is not None
    module.LabSettings = AppSettings  # type: ignore[attr-defined]
    with pytest.raises(AppError, match="must define one class derived from AppSettings"):
        SettingsOfApps.load(registry, env_file=None)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LAB_SIZ", "LAB_SIZE"),
        ("DATABASE_POOLSIZE", "DATABASE_POOL_SIZE"),
        ("ALOWED_HOSTS", "ALLOWED_HOSTS"),
        ("MAIL_ULR", "MAIL_URL"),
        ("LAB_NOWHERE_NEAR", ""),
    ],
)
def test_misspelt_variables_are_found(
    registry: Registry, name: str, near: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    settings = SettingsOfApps.load(registry, env_file=None)
    (found,) = find_unknown(registry, settings, env_file=None)
    assert (found.name, found.source, found.near) == (name, "environment", near)


def test_misspelt_lines_of_the_env_file_are_found(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LAB_SIZE=1\nLOG_LEVLE=DEBUG\n")
    settings = SettingsOfApps.load(registry, env_file=tmp_path / ".env")
    (found,) = find_unknown(registry, settings, env_file=tmp_path / ".env")
    assert str(found) == "LOG_LEVLE (.env) is no setting. Did you mean LOG_LEVEL?"


@pytest.mark.parametrize("name", ["LAB_SERVICE_HOST", "LAB_PORT", "LAB_PORT_80_TCP_ADDR", "PATHS"])
def test_what_others_set_is_left_alone(
    registry: Registry, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    settings = SettingsOfApps.load(registry, env_file=None)
    assert find_unknown(registry, settings, env_file=None) == []
