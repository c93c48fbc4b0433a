from pathlib import Path

import pytest

from project.management.commands import diffsettings
from project.management.dispatcher import call_command
from project.settings import load_settings

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file of a developer's has a say."""
    for row in diffsettings.list_settings(load_settings(env_file=None)):
        monkeypatch.delenv(row.name, raising=False)
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(diffsettings, "ENV_FILE", tmp_path / ".env")


def shown(capture: Capture, *words: str) -> dict[str, list[str]]:
    call_command("diffsettings", *words)
    lines = (line.split() for line in capture.readouterr().out.splitlines())
    return {name: rest for name, *rest in lines}


def test_only_what_differs(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("site_name", "Shop")
    found = shown(capsys)
    assert found["SITE_NAME"] == ["Shop", "environment"]
    assert found["SECRET_KEY"] == ["***", "generated"]
    assert "DATABASE_POOL_SIZE" not in found


def test_all_of_them(capsys: Capture) -> None:
    found = shown(capsys, "--all")
    assert found["DATABASE_POOL_SIZE"] == ["8", "default"]
    assert found["LOG_LEVEL"] == ["INFO", "default"]


@pytest.mark.needs("items")
def test_settings_of_apps(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("ITEMS_IMAGE_QUALITY", "70")
    assert shown(capsys)["ITEMS_IMAGE_QUALITY"] == ["70", "environment"]


def test_values_in_effect(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A statement may take half of a request's time, whatever its own setting says."""
    monkeypatch.setenv("REQUEST_TIMEOUT", "6")
    found = shown(capsys)
    assert found["DATABASE_STATEMENT_TIMEOUT"] == ["3.0", "limited"]


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:canary@h/d?password=canary&sslmode=require")
    monkeypatch.setenv("SECRET_KEY", "canary")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", "canary1,canary2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    call_command("diffsettings", "--all")
    out = capsys.readouterr().out
    assert "canary" not in out
    assert "u:***@h" in out
    assert "sslmode=require" in out


def test_what_only_looks_like_an_address(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("SITE_NAME", "a :// b")
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://shop.example.com,http://[::1]:3000")
    found = shown(capsys)
    assert found["SITE_NAME"] == ["***", "environment"]
    assert found["ALLOWED_ORIGINS"][:2] == ["https://shop.example.com,", "http://[::1]:3000"]


def test_where_from(monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "secret_key").write_text("from a file")
    monkeypatch.setenv("SECRETS_DIR", str(secrets))
    assert shown(capsys)["SECRET_KEY"] == ["***", "SECRETS_DIR"]
