"""`manage.py check`, its exit codes and its words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, event

from project.checks import Check, Problem, Subject, check, runner
from project.management import call_command, main
from tests.processes import environment_for, fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.database import TestDatabase

WARNING = Problem("test.W001", "It creaks.", hint="Oil it.", obj="door")
ERROR = Problem("test.E001", "It fell off.")


def found(*problems: Problem) -> Check:
    @check("test")
    def look(_: Subject) -> Iterator[Problem]:
        yield from problems

    return look


def use(monkeypatch: pytest.MonkeyPatch, *problems: Problem) -> None:
    """Let the project have these problems and no others."""
    look = found(*problems)
    monkeypatch.setattr(runner, "_checks_in", lambda _: [look])


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is no database to look at, unless a test names one."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path))


@pytest.mark.needs("users", "items", "orders")  # the tables of removed apps are named
def test_the_project_is_clean(
    capsys: pytest.CaptureFixture[str],
    engine_database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        assert call_command("check", "--database", fail_level="DEBUG") == 0
    assert capsys.readouterr().out == "System check identified no issues (0 silenced).\n"


def test_all_checks_share_one_connection(
    engine_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def count(connection: object, _: object) -> None:
        opened.append(connection)

    with fresh_database(engine_database.engine, is_migrated=True) as url:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        event.listen(Engine, "connect", count)
        try:
            call_command("check", "--database", "--deploy")
        finally:
            event.remove(Engine, "connect", count)
    assert len(opened) == 1


def test_a_warning_is_shown_and_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, WARNING)
    assert call_command("check") == 0
    said = capsys.readouterr().err
    assert "WARNINGS:\ndoor: (test.W001) It creaks.\n\tHINT: Oil it.\n" in said
    assert said.endswith("System check identified 1 issue (0 silenced).\n")


def test_an_error_fails_and_comes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, WARNING, ERROR)
    assert call_command("check") == 1
    said = capsys.readouterr().err
    assert said.index("ERRORS:") < said.index("WARNINGS:")


@pytest.mark.parametrize(("level", "code"), [("WARNING", 1), ("ERROR", 0), ("DEBUG", 1)])
def test_fail_level(level: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WARNING)
    assert call_command("check", "--fail-level", level) == code


def test_silenced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(monkeypatch, WARNING, ERROR)
    monkeypatch.setenv("SILENCED_CHECKS", "test.E001")
    assert call_command("check") == 0
    assert "1 issue (1 silenced)" in capsys.readouterr().err
    monkeypatch.setenv("SILENCED_CHECKS", "test.E001,test.W001")
    assert call_command("check", "--fail-level", "DEBUG") == 0
    assert capsys.readouterr().out == "System check identified no issues (2 silenced).\n"


@pytest.mark.parametrize(
    ("words", "code", "said_so"),
    [
        ([], 0, "INFOS:\n(database.I001)"),
        (["--deploy"], 1, "ERRORS:\n(database.E003)"),
        (["--database"], 1, "ERRORS:\n(database.E003)"),
    ],
)
def test_a_database_out_of_reach(
    words: list[str],
    code: int,
    said_so: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:canary@127.0.0.1:1/none")
    assert call_command("check", *words) == code
    said = capsys.readouterr().err
    assert f"{said_so} The database at" in said
    assert "canary" not in said
    assert call_command("check", "--no-database") == 0


def test_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("check", "--deploy", "--tag", "security", "--fail-level", "WARNING") == 1
    assert "(security.W018) ENVIRONMENT is test." in capsys.readouterr().err


def test_tags_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Check("other", lambda _: [WARNING])
    monkeypatch.setattr(runner, "_checks_in", lambda _: [found(ERROR), other])
    assert call_command("check", "--tag", "test") == 1
    assert call_command("check", "--tag", "other") == 0


def test_tags_are_listed_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--list-tags"]) == 0
    assert "database\n" in capsys.readouterr().out
    assert main(["check", "-t", "databse"]) == 2
    assert "Did you mean 'database'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"), [("DATABASE_POOL_SIZE", "many"), ("ENVIRONMENT", "production")]
)
def test_broken_settings_are_one_line(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["check"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: Settings")
    assert name in said or "DATABASE_URL is not set" in said
    assert said.count("\n") == 1


ASYNC_ROUTE = """
from project.web.route import Router
from project.web.transaction import DbSession

router = Router()

@router.get("/blocks")
async def blocks(session: DbSession) -> None: ...
"""


def test_a_sync_session_in_an_async_route_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The route class refuses it while the application is built."""
    app = tmp_path / "blocking_app"
    (app / "api").mkdir(parents=True)
    for package in (app, app / "api"):
        (package / "__init__.py").touch()
    (app / "app.py").write_text(
        'from project.apps import AppConfig\napp = AppConfig(label="blocking")\n'
    )
    (app / "api" / "v1.py").write_text(ASYNC_ROUTE)
    monkeypatch.syspath_prepend(tmp_path)
    load = partial(Subject.load, ("blocking_app",))
    monkeypatch.setattr(Subject, "load", load)
    assert main(["check"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "blocking_app.api.v1.blocks asks for the sync session but is async" in said
