"""`manage.py permissions`, on a database of its own."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from apps.users import services
from apps.users.models import User
from apps.users.permissions import held_permissions
from project.errors import CommandError
from project.management.dispatcher import call_command
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database

ADA = "ada@example.com"
Run = Callable[..., str]


@pytest.fixture
def own(engine_database: TestDatabase) -> Iterator[Session]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        engine = create_engine(url)
        with Session(engine) as session:
            services.create_user(session, email=ADA, password_hash=None)
            session.commit()
            yield session
        engine.dispose()


@pytest.fixture
def run(own: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> str:
        url = own.get_bind().engine.url
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        assert not call_command("permissions", *words)
        return capsys.readouterr().out

    return run


def held(own: Session) -> frozenset[str]:
    own.rollback()
    (user,) = own.scalars(select(User))
    return held_permissions(own, user.id)


def test_list(run: Run) -> None:
    assert "items.change_item" in run()


def test_granted_and_revoked(run: Run, own: Session) -> None:
    run("--grant", ADA, "items.change_item", "items.view_item")
    assert held(own) == {"items.change_item", "items.view_item"}
    (line,) = (line for line in run().splitlines() if "items.change_item" in line)
    assert line.split() == ["items.change_item", ADA]
    run("--revoke", ADA, "items.change_item")
    assert held(own) == {"items.view_item"}


def test_by_group(run: Run, own: Session) -> None:
    run("--grant", "group:Editors", "items.change_item")
    run("--grant", ADA.upper(), "group:Editors")
    assert held(own) == {"items.change_item"}
    listed = run()
    assert "group:Editors" in listed
    assert f"Editors: {ADA}" in listed
    run("--revoke", "group:Editors", "items.change_item")
    assert held(own) == frozenset()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--grant", ADA, "items.chang_item"), r"Did you mean 'items\.change_item'\?"),
        (("--grant", "eve@example.com", "items.view_item"), "There is no account eve@example.com"),
        (("--grant", ADA, "group:Nobody"), "There is no group 'Nobody'"),
        (("--revoke", "group:Nobody", "items.view_item"), "There is no group 'Nobody'"),
        (("--grant", "group:A", "group:B"), "A group is in no other group"),
        (("--grant", ADA), "Say what"),
    ],
)
def test_refused(run: Run, own: Session, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*words)
    assert held(own) == frozenset()
