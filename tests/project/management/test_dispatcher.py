"""What a person sees of `manage.py`: help, suggestions, exit codes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from project.errors import CommandError
from project.management import call_command, main
from tests.project.management.conftest import ROOT, run_manage

if TYPE_CHECKING:
    from tests.project.management.conftest import Scratch

HEAVY = {"fastapi", "starlette", "sqlalchemy", "pydantic", "alembic", "psycopg", "project.settings"}


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"]])
def test_help_lists_commands_by_app(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "[project]" in printed
    assert "Run the test suite" in printed


@pytest.mark.parametrize("arguments", [["help"], ["chekc"], ["--version"]])
def test_help_and_typos_import_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from project.management import main; "
        f"main({arguments!r}); print(sorted({HEAVY!r} & sys.modules.keys()))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["help", "test"], ["test", "--help"], ["test", "-h"]])
def test_help_on_one_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    # argparse ends the process after printing help
    with contextlib.suppress(SystemExit):
        main(arguments)
    printed = capsys.readouterr().out
    assert "manage.py test" in printed
    assert "Every argument goes to pytest" in printed


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("lintel ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tset"], "Unknown command 'tset'. Did you mean 'test'?"),
        (["zzzzzz"], "'manage.py help' lists all commands."),
        (["help", "tset"], "Did you mean 'test'?"),
        (["--vresion"], "Did you mean '--version'?"),
        (["check", "--fial-level", "ERROR"], "Did you mean '--fail-level'?"),
        (["check", "--fial-level=ERROR"], "unknown option '--fial-level'"),
        (["check", "--fail-level", "HIGH"], "invalid choice: 'HIGH'"),
        (["check", "two\nlines"], "unexpected argument"),
        (["--traceback", "tset"], "Did you mean 'test'?"),
        (["help", "test", "check"], "Usage: manage.py help [command]"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


@pytest.mark.parametrize(
    "arguments", [["--no-color", "greet", "Ada"], ["greet", "--no-color", "Ada", "--traceback"]]
)
def test_global_options_stand_before_or_after(scratch: Scratch, arguments: list[str]) -> None:
    finished = scratch.run(*arguments)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "Hello Ada\n", "")


def test_an_app_adds_commands_and_replaces_the_projects(scratch: Scratch) -> None:
    scratch.install("apps.first", "apps.second")
    for app in ("first", "second"):
        command = f'"""Greet from {app}."""\n\n\ndef handle(options):\n    print("{app}")\n'
        scratch.write(f"apps/{app}/commands/greet.py", command)
        scratch.write(f"apps/{app}/commands/only_{app}.py", command)
    assert scratch.run("greet").stdout == "first\n"
    listing = scratch.run("help").stdout
    assert listing.count("Greet from first.") == 2
    assert "[first]" in listing
    assert "only_second" in listing


def test_files_with_an_underscore_are_not_commands(scratch: Scratch) -> None:
    scratch.write("project/management/commands/_shared.py", "")
    assert "_shared" not in scratch.run("help").stdout
    assert scratch.run("_shared").returncode == 2


def test_a_command_without_handle_is_named(scratch: Scratch) -> None:
    scratch.write("project/management/commands/empty.py", "")
    finished = scratch.run("empty")
    assert finished.returncode == 1
    assert "project/management/commands/empty.py has no handle(options)" in finished.stderr


def test_no_one_reads_the_output() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    finished = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (finished.returncode, finished.stderr) == (141, b"")


def test_it_works_from_another_folder_and_without_the_scripts_own_on_the_path() -> None:
    assert run_manage("help", PYTHONSAFEPATH="1").returncode == 0


def test_call_command_takes_options_by_name(scratch: Scratch) -> None:
    program = (
        "from project.management import call_command; "
        "print(call_command('greet', 'Ada', loudly=True)); "
        "print(call_command('greet', '--loudly', name='Bo'))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=scratch.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.splitlines() == ["HELLO Ada", "0", "HELLO Bo", "0"]


def test_call_command_raises_instead_of_printing() -> None:
    with pytest.raises(CommandError, match="Did you mean 'fail_level'") as raised:
        call_command("check", fial_level="ERROR")
    assert raised.value.exit_code == 2
