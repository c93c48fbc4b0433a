"""Whatever ends a command is one line that names the place and the mend."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.project.management.conftest import ROOT

if TYPE_CHECKING:
    from tests.project.management.conftest import Scratch


def write_command(scratch: Scratch, body: str) -> None:
    scratch.write(
        "project/management/commands/work.py",
        "from project.errors import CommandError, ImproperlyConfigured\n\n\n"
        f"def handle(options):\n    {body}\n",
    )


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (
            "raise ImproperlyConfigured('SECRET_KEY is not set.')",
            1,
            "Error: SECRET_KEY is not set.",
        ),
        ("raise CommandError('Nothing to do.', exit_code=3)", 3, "Error: Nothing to do."),
        ("raise ValueError('a\\n  b')", 1, "Error: ValueError: a b (project/management/commands/"),
        ("raise ValueError", 1, "Run again with --traceback to see more."),
        ("raise OSError(28, 'No space left')", 1, "No space left"),
        ("raise BrokenPipeError('database went away')", 1, "database went away"),
        ("return 4", 4, ""),
        ("raise KeyboardInterrupt", 130, ""),
        ("raise SystemExit(5)", 5, ""),
    ],
)
def test_one_line_and_an_exit_code(scratch: Scratch, body: str, code: int, said: str) -> None:
    write_command(scratch, body)
    finished = scratch.run("work")
    assert finished.returncode == code
    assert finished.stderr.count("\n") == (1 if said else 0)
    assert said in finished.stderr


def test_traceback_shows_the_rest(scratch: Scratch) -> None:
    write_command(scratch, "raise ImproperlyConfigured('SECRET_KEY is not set.')")
    finished = scratch.run("work", "--traceback")
    assert finished.returncode == 1
    assert "Traceback (most recent call last)" in finished.stderr
    assert "commands/work.py" in finished.stderr


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("class Broken(:\n", "SyntaxError: invalid syntax (apps/shop/models.py, line 1)"),
        ("from project.errors import Nope\n", "cannot import name 'Nope'"),
        (
            "\nundefined\n",
            "NameError: name 'undefined' is not defined (apps/shop/models.py, line 2)",
        ),
    ],
)
def test_a_broken_app_is_named_and_help_still_works(
    scratch: Scratch, models: str, said: str
) -> None:
    scratch.install("apps.shop")
    scratch.write("apps/shop/models.py", models)
    scratch.write("apps/shop/commands/sell.py", "import apps.shop.models\n\nhandle = print\n")
    finished = scratch.run("sell")
    assert finished.returncode == 1
    assert finished.stderr.startswith("Error: App 'apps.shop' cannot be loaded: ")
    assert said in finished.stderr
    assert finished.stderr.endswith("Mend it, or take it out of INSTALLED_APPS.\n")
    assert "sell" in scratch.run("help").stdout


def test_what_the_machinery_refuses_is_mended_in_the_app(scratch: Scratch) -> None:
    scratch.install("apps.shop")
    scratch.write("project/rates.py", "def throttled(rate):\n    raise ValueError('no rate')\n")
    models = "from project.rates import throttled\n\nthrottled('itmes')\n"
    scratch.write("apps/shop/models.py", models)
    scratch.write("apps/shop/commands/sell.py", "import apps.shop.models\n\nhandle = print\n")
    said = scratch.run("sell").stderr
    assert "'apps.shop' cannot be loaded: ValueError: no rate (apps/shop/models.py, line 3)" in said


def test_a_command_with_a_syntax_error_is_listed_with_it(scratch: Scratch) -> None:
    scratch.write("project/management/commands/odd.py", "def handle(:\n")
    finished = scratch.run("help")
    assert finished.returncode == 0
    assert "odd    (cannot be read: invalid syntax in line 1)" in finished.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("INSTALLED_APPS = (\n", "project/settings.py cannot be read: '(' was never closed"),
        ("INSTALLED_APPS = find()\n", "INSTALLED_APPS must be a tuple of quoted names and"),
        ("", "project/settings.py does not define INSTALLED_APPS."),
        ("INSTALLED_APPS: tuple[str, ...] = ('apps.shpo',)\n", "cannot be found: apps.shpo."),
        ("INSTALLED_APPS = ('nowhere.shop',)\n", "cannot be found: nowhere.shop."),
    ],
)
def test_help_names_what_is_wrong_with_the_settings(
    scratch: Scratch, settings: str, said: str
) -> None:
    scratch.write("project/settings.py", settings)
    finished = scratch.run("help")
    assert finished.returncode == 0
    assert "Say hello." in finished.stdout
    assert finished.stderr.startswith("Warning: ")
    assert said in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_the_wrong_interpreter_is_told_the_right_command() -> None:
    # without site-packages, as a Python that knows nothing of the project
    finished = subprocess.run(
        [sys.executable, "-S", str(ROOT / "manage.py"), "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert f"is not installed in {sys.executable}: run it as `uv run manage.py" in finished.stderr


def test_a_dependency_that_is_missing_is_named_with_its_user(scratch: Scratch) -> None:
    scratch.install("apps.shop")
    scratch.write("apps/shop/commands/pay.py", "import no_such_payment_library\n")
    finished = scratch.run("pay")
    assert finished.returncode == 1
    assert "apps/shop/commands/pay.py needs 'no_such_payment_library'" in finished.stderr
