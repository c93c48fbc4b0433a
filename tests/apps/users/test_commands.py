"""`manage.py createsuperuser` and `changepassword`, on a database of their own."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from loguru import logger
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User
from apps.users.passwords import verify_password
from apps.users.services import start_session
from project.errors import CommandError, ProjectError
from project.management.dispatcher import call_command
from tests.database import TestDatabase
from tests.processes import environment_for, free_port, fresh_database, run_manage

Run = Callable[..., int]


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture
def own(url: URL) -> Iterator[Session]:
    engine = create_engine(url)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def run(url: URL, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command as a deployment would."""

    def run(*words: str, email: str = "", password: str = "") -> int:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        monkeypatch.setenv("SUPERUSER_EMAIL", email)
        monkeypatch.setenv("SUPERUSER_PASSWORD", password)
        return call_command("createsuperuser", "--noinput", *words)

    return run


def find(session: Session, email: str) -> User | None:
    return session.query(User).filter_by(email=email).one_or_none()


def test_created(run: Run, own: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(email="Root@Example.com", password="securepassword") == 0
    user = find(own, "root@example.com")
    assert user is not None
    assert (user.is_superuser, user.is_staff, user.is_active) == (True, True, True)
    assert verify_password("securepassword", user.password_hash)
    captured = capsys.readouterr()
    assert "root@example.com" in captured.out
    assert "securepassword" not in captured.out + captured.err


def test_second_run_changes_nothing(run: Run, own: Session) -> None:
    """Deployments run it every time, the password long changed or no longer given."""
    run(email="again@example.com", password="securepassword")
    assert run(email="AGAIN@example.com", password="another password") == 0
    assert run(email="again@example.com") == 0
    user = find(own, "again@example.com")
    assert user is not None
    assert verify_password("securepassword", user.password_hash)


def test_ordinary_account_is_not_raised(run: Run, own: Session) -> None:
    own.add(User(email="plain@example.com"))
    own.commit()
    with pytest.raises(ProjectError, match="ordinary account"):
        run(email="plain@example.com", password="securepassword")
    own.expire_all()
    assert not own.query(User).filter_by(email="plain@example.com").one().is_superuser


@pytest.mark.parametrize(
    ("email", "password", "complaint"),
    [
        ("", "securepassword", "SUPERUSER_EMAIL is not set"),
        ("new@example.com", "", "SUPERUSER_PASSWORD is not set"),
        ("no address", "securepassword", r"SUPERUSER_EMAIL will not do: .* @-sign[.]$"),
        (
            "new@example.com",
            "canary",
            "SUPERUSER_PASSWORD will not do: string should have at least 8",
        ),
        ("new@example.com", "canary" * 50, "SUPERUSER_PASSWORD will not do"),
    ],
)
def test_refusals(run: Run, own: Session, email: str, password: str, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as caught:
        run(email=email, password=password)
    assert "canary" not in str(caught.value)
    assert find(own, "new@example.com") is None


@pytest.mark.parametrize("password", ["iloveyou", "grace.hopper"])
def test_password_that_is_tried_first(run: Run, change: Run, own: Session, password: str) -> None:
    with pytest.raises(CommandError, match=r"^SUPERUSER_PASSWORD: This password is .*[.]$"):
        run(email="grace.hopper@example.com", password=password)
    assert find(own, "grace.hopper@example.com") is None
    run(email="admiral@example.com", password="securepassword")
    with pytest.raises(CommandError, match=r"^NEW_PASSWORD: This password is .*[.]$"):
        change("admiral@example.com", password.replace("grace.hopper", "the admiral"))


def test_superuser_needs_no_mail_to_be_verified(run: Run, own: Session) -> None:
    run(email="vouched@example.com", password="securepassword")
    user = find(own, "vouched@example.com")
    assert user is not None
    assert user.is_verified


def test_option_names_the_address(run: Run, own: Session) -> None:
    run("--email", "option@example.com", email="variable@example.com", password="securepassword")
    assert find(own, "option@example.com") is not None
    assert find(own, "variable@example.com") is None


def test_nobody_to_ask(url: URL) -> None:
    finished = run_manage("createsuperuser", env=environment_for(url))
    assert (finished.returncode, finished.stdout) == (1, "")
    assert len(finished.stderr.splitlines()) == 1
    assert "--noinput" in finished.stderr


def test_database_that_was_never_migrated(engine_database: TestDatabase) -> None:
    with fresh_database(engine_database.engine) as empty:
        variables = {"SUPERUSER_EMAIL": "a@example.com", "SUPERUSER_PASSWORD": "securepassword"}
        env = environment_for(empty, **variables)
        finished = run_manage("createsuperuser", "--noinput", env=env)
    assert finished.returncode == 1
    assert len(finished.stderr.splitlines()) == 1
    assert "migrate" in finished.stderr


@pytest.fixture
def change(url: URL, monkeypatch: pytest.MonkeyPatch) -> Run:
    def change(email: str, password: str) -> int:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        monkeypatch.setenv("NEW_PASSWORD", password)
        return call_command("changepassword", email, "--noinput")

    return change


def test_changed_password(
    run: Run, change: Run, own: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    run(email="changed@example.com", password="securepassword")
    user = find(own, "changed@example.com")
    assert user is not None
    grant = start_session(own, user_id=user.id, lifetime=timedelta(hours=1))
    own.commit()

    assert change("Changed@example.com", "brand new words") == 0
    own.expire_all()
    assert verify_password("brand new words", user.password_hash)
    auth_session = own.get(AuthSession, grant.session_id)
    assert auth_session is not None
    assert auth_session.revoked_at is not None
    assert "brand new words" not in capsys.readouterr().out


def test_owner_hears_of_a_changed_password(
    run: Run, change: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(email="told@example.com", password="securepassword")
    monkeypatch.setenv("MAIL_URL", f"file:{tmp_path}")
    lines: list[str] = []
    sink = logger.add(lines.append, format="{extra}")
    assert change("told@example.com", "brand new words") == 0
    logger.remove(sink)
    (mail,) = tmp_path.glob("*.eml")
    assert "To: told@example.com" in mail.read_text()
    assert "was changed" in mail.read_text()
    assert [line for line in lines if "'password_set'" in line]


def test_password_is_changed_though_nobody_can_be_told(
    run: Run, change: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(email="untold@example.com", password="securepassword")
    monkeypatch.setenv("MAIL_URL", f"smtp://127.0.0.1:{free_port()}?tls=none")
    assert change("untold@example.com", "brand new words") == 0
    assert "The owner could not be told" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("credentials", "complaint"),
    [
        (("nobody@example.com", "another password"), "no account nobody@example.com"),
        (("kept@example.com", "canary"), "NEW_PASSWORD will not do"),
        (("kept@example.com", ""), "NEW_PASSWORD is not set"),
    ],
)
def test_password_that_is_not_changed(
    run: Run, change: Run, own: Session, credentials: tuple[str, str], complaint: str
) -> None:
    run(email="kept@example.com", password="securepassword")
    with pytest.raises(CommandError, match=complaint) as caught:
        change(*credentials)
    assert "canary" not in str(caught.value)
    user = find(own, "kept@example.com")
    assert user is not None
    assert verify_password("securepassword", user.password_hash)


def test_nobody_to_ask_for_another_password(url: URL) -> None:
    finished = run_manage("changepassword", "a@example.com", env=environment_for(url))
    assert finished.returncode == 1
    assert len(finished.stderr.splitlines()) == 1
    assert "NEW_PASSWORD" in finished.stderr
