import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from project.errors import ImproperlyConfigured
from project.settings import ROOT, Settings, _development_key, is_weak, load_settings
from tests.database import TestDatabase

Load = Callable[..., Settings]

STRONG = "kJ8-x2Lq_9vRt4WzYb7NcEfGhMpS3uDa"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": STRONG,
    "DATABASE_URL": "postgresql://app@db/app",
    "ALLOWED_HOSTS": "shop.example.com",
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the settings from these variables alone."""
    for name in os.environ:
        if name.isupper() and name.partition("_")[0] not in {"PATH", "HOME", "PYTEST", "LD"}:
            monkeypatch.delenv(name)

    def load(env_file: Path | None = None, **variables: str) -> Settings:
        with monkeypatch.context() as patch:
            for name, value in {"ENVIRONMENT": "test", **variables}.items():
                patch.setenv(name, value)
            return load_settings(env_file=env_file)

    return load


def complaint(load: Load, **variables: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        load(**variables)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_defaults(load: Load) -> None:
    settings = load(ENVIRONMENT="development")
    assert (settings.environment, settings.is_deployed) == ("development", False)
    assert (settings.database.url, settings.database.pool_size) == (None, 8)
    assert settings.security.access_token_expire_minutes <= 15


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "Production"),
        ("DATABASE_POOL_SIZE", "many"),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_SIZE", "1.5"),
        ("DATABASE_STATEMENT_TIMEOUT", "0"),
        ("DATABASE_STATEMENT_TIMEOUT", "0.0001"),
        ("DATABASE_STATEMENT_TIMEOUT", "inf"),
        ("DATABASE_LOCK_TIMEOUT", "nan"),
        ("DATABASE_CLIENT_CHECK_INTERVAL", "1e300"),
        ("DATABASE_URL", "mysql://app:canary@db/app"),
        ("DATABASE_URL", "postgresql://app:canary@db:port/app"),
        ("DATABASE_URL", "canary"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "16"),
        ("REGISTRATION_OPEN", "perhaps"),
        ("ALLOWED_HOSTS", '["a", '),
        ("WORKERS", "0"),
        ("MAX_BODY_SIZE", "-1"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("SECRETS_DIR", "/nowhere"),
    ],
)
def test_broken_setting_is_named(load: Load, name: str, value: str) -> None:
    message = complaint(load, **{name: value})
    is_shown = name != "DATABASE_URL"
    assert message.startswith(f"Settings: {name}={value!r} " if is_shown else f"Settings: {name} ")
    assert "canary" not in message


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("MAIL_URL", "canary://u:canary@h", "MAIL_URL must be"),
        ("SECRET_KEY_FALLBACKS", '["canary', "SECRET_KEY_FALLBACKS is not"),
        ("SITE_URL", "http://u:canary@h", "SITE_URL='http://***@h' is not"),
        ("LOG_LEVEL", "x" * 70, f"LOG_LEVEL='{'x' * 59}…' should"),
        ("LOG_LEVEL", "a\nb", r"LOG_LEVEL='a\nb' should"),
    ],
)
def test_what_a_broken_setting_shows(load: Load, name: str, value: str, shown: str) -> None:
    message = complaint(load, **{name: value})
    assert message.startswith(f"Settings: {shown}")
    assert "canary" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"SITE_NAME=a\n\n\nno canary\nLOG_LEVEL=INFO\n", ".env, line 4 is not NAME=value:"),
        (b"a b\nLOG_LEVEL=INFO\nSITE_NAME='a\n", ".env, lines 1, 3 are not NAME=value:"),
        (b"SITE_NAME=\xe4\n", ".env is not UTF-8: save it as that"),
    ],
)
def test_a_malformed_file_is_one_line(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: bytes, said: str
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(text)
    message = complaint(load, env_file=file)
    assert message.startswith(f"Settings: {said}")
    assert "canary" not in message
    assert caplog.records == [], "python-dotenv says nothing of its own"


def test_all_broken_settings_are_named_at_once(load: Load) -> None:
    names = ("WORKERS", "LOG_LEVEL", "DATABASE_POOL_SIZE", "SECRET_KEY_FALLBACKS", "ALLOWED_HOSTS")
    message = complaint(load, **dict.fromkeys(names, '["broken'))
    assert [name for name in names if name not in message] == []


@pytest.mark.parametrize(
    "text", ["a.example,b.example", " a.example , b.example ,", '["a.example", "b.example"]']
)
def test_lists(load: Load, text: str) -> None:
    settings = load(ALLOWED_HOSTS=text, SECRET_KEY_FALLBACKS=text)
    assert settings.web.allowed_hosts == ("a.example", "b.example")
    fallbacks = settings.security.secret_key_fallbacks
    assert [key.get_secret_value() for key in fallbacks] == ["a.example", "b.example"]


def test_empty_means_unset(load: Load) -> None:
    settings = load(DATABASE_URL="", ALLOWED_ORIGINS="", DATABASE_POOL_SIZE="", SECRET_KEY="")
    assert (settings.database.url, settings.database.pool_size) == (None, 8)
    assert settings.web.allowed_origins == ()
    assert settings.security.secret_key is not None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h:5433/d", "postgresql+psycopg://u@h:5433/d"),
        (" postgresql://u@h/d\n", "postgresql+psycopg://u@h/d"),
        ("postgresql://u:p%40s%2Fs@h/d", "postgresql+psycopg://u:p%40s%2Fs@h/d"),
        ("postgresql://u@[::1]:5433/d", "postgresql+psycopg://u@[::1]:5433/d"),
        ("postgresql:///d?host=/run/pg", "postgresql+psycopg:///d?host=%2Frun%2Fpg"),
        ("postgresql://u@%2Frun%2Fpg/d", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg"),
        (
            "postgresql://u:p@%2Frun%2Fpg:5433/d?sslmode=disable",
            "postgresql+psycopg://u:p@/d?host=%2Frun%2Fpg&port=5433&sslmode=disable",
        ),
    ],
)
def test_database_urls(load: Load, given: str, read: str) -> None:
    assert load(DATABASE_URL=given).database.url == read


def test_both_forms_of_a_socket_connect(load: Load, engine_database: TestDatabase) -> None:
    """The suite's own server may listen on TCP alone; then there is no socket to try."""
    url = engine_database.engine.url
    folder = str(url.query.get("host", ""))
    if not folder.startswith("/"):
        pytest.skip("the suite's server was given by host")
    quoted = folder.replace("/", "%2F")
    place = f"{url.username}@{quoted}:{url.query.get('port', 5432)}/{url.database}"
    for address in (f"postgresql://{place}", f"postgresql+psycopg://{place}"):
        read = load(DATABASE_URL=address).database.url
        assert read is not None
        engine = create_engine(read)
        with engine.connect() as connection:
            assert connection.connection.driver_connection.info.host == folder  # type: ignore[union-attr]
        engine.dispose()


def test_secrets_do_not_show(load: Load) -> None:
    settings = load(SECRET_KEY=STRONG, SECRET_KEY_FALLBACKS="canary-key")
    assert STRONG not in repr(settings)
    assert "canary-key" not in repr(settings)


def test_secret_keys(load: Load) -> None:
    settings = load(SECRET_KEY=STRONG, SECRET_KEY_FALLBACKS="older, oldest")
    assert settings.secret_keys == (STRONG, "older", "oldest")


def test_settings_are_frozen(load: Load) -> None:
    settings = load()
    with pytest.raises(ValueError, match="frozen"):
        settings.database.pool_size = 1  # type: ignore[misc]


# Files


def test_env_file(load: Load, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DATABASE_POOL_SIZE=3\nALLOWED_HOSTS=a,b # two\nUNKNOWN=1\nWORKERS=2\n")
    settings = load(env_file=file, WORKERS="4")
    assert settings.database.pool_size == 3
    assert settings.web.allowed_hosts == ("a", "b")
    assert settings.server.workers == 4


@pytest.mark.parametrize("capitals", [str.lower, str.upper])
def test_secret_files(load: Load, tmp_path: Path, capitals: Callable[[str], str]) -> None:
    (tmp_path / capitals("SECRET_KEY")).write_text(f"{STRONG}\n")
    (tmp_path / capitals("DATABASE_URL")).write_text("postgresql://u:canary@h/d\n")
    settings = load(SECRETS_DIR=str(tmp_path))
    assert settings.secret_keys == (STRONG,)
    assert settings.database.url == "postgresql+psycopg://u:canary@h/d"


def test_environment_comes_before_files(load: Load, tmp_path: Path) -> None:
    (tmp_path / "database_pool_size").write_text("3")
    assert load(SECRETS_DIR=str(tmp_path)).database.pool_size == 3
    assert load(SECRETS_DIR=str(tmp_path), DATABASE_POOL_SIZE="4").database.pool_size == 4


def test_development_key(tmp_path: Path) -> None:
    made = _development_key(tmp_path / "new")
    assert _development_key(tmp_path / "new") == made
    assert _development_key(tmp_path / "other") != made
    assert not is_weak(made)
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret_key"]


def test_development_key_of_many_processes(tmp_path: Path) -> None:
    """Workers that start at once agree on one key."""
    code = (
        "import pathlib, sys; from project.settings import _development_key; "
        "print(_development_key(pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new")]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    keys = {process.communicate(timeout=60)[0] for process in processes}
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64


# Production


def test_production(load: Load) -> None:
    settings = load(**PRODUCTION)
    assert settings.is_deployed
    assert settings.web.allowed_hosts == ("shop.example.com",)


def test_production_names_the_malformed_and_the_weak_together(load: Load) -> None:
    message = complaint(
        load, **{**PRODUCTION, "DATABASE_URL": "sqlite:///x", "SECRET_KEY": "changeme"}
    )
    assert "DATABASE_URL must be" in message
    assert "SECRET_KEY is weak" in message


@pytest.mark.parametrize("place", ["production", "staging"])
def test_production_names_all_that_is_missing(load: Load, place: str) -> None:
    message = complaint(load, ENVIRONMENT=place)
    for name in ("SECRET_KEY is not set", "DATABASE_URL is not set", "ALLOWED_HOSTS is not set"):
        assert name in message
    assert place in message


@pytest.mark.parametrize(
    ("changes", "complaint_about"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "changethis" + STRONG}, "SECRET_KEY is weak"),
        ({"SECRET_KEY_FALLBACKS": f"{STRONG},short"}, "SECRET_KEY_FALLBACKS"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN is weak"),
        ({"DATABASE_URL": " "}, "DATABASE_URL is not set"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*.example.com"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ","}, "ALLOWED_HOSTS is not set"),
        ({"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS"),
        ({"ALLOWED_ORIGINS": '["https://a.example", "https://*.example"]'}, "ALLOWED_ORIGINS"),
    ],
)
def test_production_refuses(load: Load, changes: dict[str, str], complaint_about: str) -> None:
    message = complaint(load, **{**PRODUCTION, **changes})
    assert complaint_about in message
    assert message.count(";") == 0
    assert STRONG not in message


def test_weak_in_every_way_is_named_at_once(load: Load) -> None:
    message = complaint(
        load,
        ENVIRONMENT="production",
        SECRET_KEY="changeme",
        SECRET_KEY_FALLBACKS="x",
        ALLOWED_HOSTS="*",
        ALLOWED_ORIGINS="*",
    )
    names = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "ALLOWED_HOSTS", "ALLOWED_ORIG")
    assert all(name in message for name in names)


def run(*words: str, **variables: str) -> Any:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["runserver", "migrate"])
def test_commands_say_it_in_one_line(command: str) -> None:
    finished = run(command, DATABASE_POOL_SIZE="many", WORKERS="few")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert len(finished.stderr.splitlines()) == 1
    assert "DATABASE_POOL_SIZE" in finished.stderr
    assert "WORKERS" in finished.stderr


@pytest.mark.parametrize("url", ["https://shop.example", "http://localhost:8000/"])
def test_site_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SITE_URL", url)
    assert load_settings(env_file=None).site_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["shop.example", "ftp://shop.example", "https://shop.example/app", "https://", "https://a@b"],
)
def test_site_url_that_is_none(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SITE_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"SITE_URL='.*' is not a scheme and a host"):
        load_settings(env_file=None)
