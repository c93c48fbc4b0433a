"""`manage.py startapp`: names that it refuses, and an app that works as it is."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from project.errors import ImproperlyConfigured
from project.management.catalogue import parse_installed_apps
from project.management.scaffold import Names, with_app
from tests.project.management.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.project.management.conftest import Scratch


@pytest.fixture
def project(scratch: Scratch) -> Scratch:
    """The scratch project with `startapp`, its template, and what its apps stand on."""
    here, there = ROOT / "project/management", scratch.root / "project/management"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(here / "app_template", there / "app_template", ignore=ignored)
    shutil.copy(here / "commands/startapp.py", there / "commands/startapp.py")
    scratch.write("loadtests/scenarios/__init__.py", "")
    scratch.install("apps.users")
    return scratch


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("json", "'json' is the name of a Python module"),
        ("project", "'project' is the name of a Python module"),
        ("1bad", "'1bad' is not a name for an app"),
        ("class", "'class' is a word of Python's own"),
        ("zero", "'zero' is a revision to `migrate`"),
        ("head", "'head' is a revision to `migrate`"),
        ("my-app", "such as 'my_app'"),
        ("Blog", "such as 'blog'"),
        ("a b", "such as 'a_b'"),
        ("../up", "such as 'up'"),
        ("", "such as 'blog'"),
        ("größe", "is not a name for an app"),
        ("x" * 31, "is longer than 30 characters"),
        ("shop", "An app called 'shop' is installed already"),
        ("left", "apps/left exists already"),
        ("played", "loadtests/scenarios/played.py exists already"),
        ("sample_things", "'sample_things' is what the template is called"),
    ],
)
def test_bad_names_are_one_line_and_write_nothing(project: Scratch, name: str, said: str) -> None:
    project.install("apps.users", "apps.shop")
    project.write("apps/left/notes.txt", "")
    project.write("loadtests/scenarios/played.py", "")
    before = sources(project)
    finished = project.run("startapp", "--", name)
    assert finished.returncode == 2
    assert said in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert sources(project) == before


def sources(project: Scratch) -> set[Path]:
    """Every path in it, but for Python's bytecode."""
    paths = {path.relative_to(project.root) for path in project.root.rglob("*")}
    return {path for path in paths if not {".data", "__pycache__"} & set(path.parts)}


def test_it_writes_an_app_and_installs_it(project: Scratch) -> None:
    finished = project.run("startapp", "blog_posts")
    assert finished.returncode == 0, finished.stderr
    written = finished.stdout.split("\nCreated")[0].splitlines()
    for part in ("app", "models", "services", "queries", "errors", "admin", "api/v1"):
        assert f"apps/blog_posts/{part}.py" in written
    for place in ("apps/blog_posts/test_api_v1", "factories/blog_posts"):
        assert f"tests/{place}.py" in written
    texts = [path + (project.root / path).read_text() for path in written]
    assert not [text for text in texts if re.search("sample.?thing", text, re.IGNORECASE)]
    settings = (project.root / "project" / "settings.py").read_bytes()
    assert parse_installed_apps(settings) == ("apps.users", "apps.blog_posts")
    assert "python manage.py makemigrations -n add_blog_posts" in finished.stdout


def test_without_parts_and_not_installed(project: Scratch) -> None:
    finished = project.run("startapp", "blog", "--without", "api, admin", "--no-install")
    assert finished.returncode == 0, finished.stderr
    paths = {path.as_posix() for path in sources(project) if "blog" in path.parts}
    assert {"apps/blog/models.py", "tests/apps/blog/test_services.py"} <= paths
    assert not [path for path in paths if "api" in path or "admin" in path]
    assert not (project.root / "loadtests/scenarios/blog.py").exists()
    assert parse_installed_apps((project.root / "project/settings.py").read_bytes()) == (
        "apps.users",
    )
    assert "add 'apps.blog' to INSTALLED_APPS in project/settings.py" in finished.stdout


def test_a_part_that_there_is_not(project: Scratch) -> None:
    finished = project.run("startapp", "blog", "--without", "api,models")
    assert finished.returncode == 2
    assert "no part 'models': choose from admin, api, scenario" in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (project.root / "apps").exists()


def test_nobody_to_own_anything(project: Scratch) -> None:
    project.install()
    finished = project.run("startapp", "blog")
    assert finished.returncode == 1
    assert "'apps.users' is not installed: add it to INSTALLED_APPS" in finished.stderr
    assert not (project.root / "apps").exists()


@pytest.mark.parametrize(
    ("label", "without"),
    [
        ("b", "scenario"),
        ("stories", "admin"),
        ("clients", "api"),
        ("a_rather_long_name_for_an_apps", "scenario"),
    ],
)
def test_what_it_writes_is_linted_and_formatted(project: Scratch, label: str, without: str) -> None:
    assert project.run("startapp", label, "--without", without).returncode == 0
    for command in (["check"], ["format", "--check"]):
        finished = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "apps", "tests", "loadtests"],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout


def test_unusual_settings_stay_as_they_are(project: Scratch) -> None:
    settings = "INSTALLED_APPS = ('apps.shop', *more)\n"
    project.write("project/settings.py", settings)
    finished = project.run("startapp", "blog")
    assert finished.returncode == 1
    assert "INSTALLED_APPS must be a tuple of quoted names" in finished.stderr
    assert not (project.root / "apps").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("INSTALLED_APPS = ()\n", 'INSTALLED_APPS = ("b",)\n'),
        ('INSTALLED_APPS = ("a",)\n', 'INSTALLED_APPS = ("a", "b",)\n'),
        ('INSTALLED_APPS = "a", "c"\nX = 1\n', 'INSTALLED_APPS = "a", "c", "b"\nX = 1\n'),
        ('INSTALLED_APPS = [\n  "a"  # why\n]\n', 'INSTALLED_APPS = [\n  "a",  # why\n  "b",\n]\n'),
        (
            'INSTALLED_APPS: tuple[str, ...] = (\n    "ä",  # why\n)\n',
            'INSTALLED_APPS: tuple[str, ...] = (\n    "ä",  # why\n    "b",\n)\n',
        ),
        ('X = 1\r\nINSTALLED_APPS = (\r\n "a",\r\n)\r\n', None),
    ],
)
def test_the_settings_keep_their_form(before: str, after: str | None) -> None:
    changed = with_app(before.encode(), "b").decode()
    ast.parse(changed)
    assert changed == (after or before.replace(' "a",\r\n', ' "a",\r\n "b",\r\n'))


def test_an_app_is_not_added_by_guessing() -> None:
    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS must be a tuple"):
        with_app(b'INSTALLED_APPS = ("a")\n', "b")


@pytest.mark.parametrize(
    ("label", "model"),
    [
        ("blog", "Blog"),
        ("orders", "Order"),
        ("stories", "Story"),
        ("blog_posts", "BlogPost"),
        ("addresses", "Address"),
        ("news", "News"),
        ("status", "Status"),
        ("boxes", "Box"),
        ("sessions", "SessionRecord"),  # the template means something else by Session,
        ("clients", "ClientRecord"),  # by client,
        ("visitor", "VisitorRecord"),
        ("classes", "ClassRecord"),  # and Python by class
        ("lists", "ListRecord"),
    ],
)
def test_the_model_is_named_in_the_singular(label: str, model: str) -> None:
    assert Names.of(label).Thing == model
