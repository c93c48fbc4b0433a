"""Files that nobody reads, versions that nobody mounts, apps that nobody enabled."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from project.apps import Registry
from project.checks import Check, Problem, Subject, apps
from project.settings import INSTALLED_APPS

Load = Callable[..., Subject]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Load an app with these files besides its manifest."""
    folder = tmp_path / "checked_app"
    monkeypatch.syspath_prepend(tmp_path)

    def load(*empty: str, **files: str) -> Subject:
        files = {
            "app": "from project.apps import AppConfig\napp = AppConfig(label='checked')\n"
        } | {**files}
        for name, text in {**dict.fromkeys(empty, ""), **files}.items():
            path = folder / (name if "." in name else f"{name}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "__init__.py").touch()
        return Subject.load(("checked_app",))

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "checked_app"]:
        del sys.modules[name]


def only(look: Check, subject: Subject) -> Problem:
    (problem,) = (found for found in look(subject) if found.obj == "checked_app")
    return problem


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("modles.py", "models.py"),
        ("model.py", "models.py"),
        ("querys.py", "queries.py"),
        ("service.py", "services.py"),
        ("admins.py", "admin.py"),
        ("command/greet.py", "commands/"),
        ("template/page.html", "templates/"),
    ],
)
def test_a_misspelt_file(load: Load, name: str, meant: str) -> None:
    problem = only(apps.files_are_known, load(name))
    assert problem.id == "apps.W001"
    assert problem.hint == f"Did you mean {meant}?"


def test_modules_of_an_apps_own_are_fine(load: Load) -> None:
    """One may even be called alike, as long as somebody imports it."""
    subject = load(
        "rendering.py",
        service="X = 1\n",
        routes="from fastapi import APIRouter\n"
        "from checked_app.service import X\nrouter = APIRouter()\n",
    )
    assert list(apps.files_are_known(subject)) == []


def test_a_version_that_is_not_mounted(load: Load) -> None:
    problem = only(apps.versions_are_mounted, load("api/__init__.py", "api/v3.py"))
    assert (problem.id, problem.message) == ("apps.W002", "api/v3.py is mounted nowhere.")


@pytest.mark.needs("items")
def test_a_table_of_an_app_that_is_not_required() -> None:
    subject = Subject.load(INSTALLED_APPS)
    assert list(apps.requirements_are_named(subject)) == []
    careless = Registry(tuple(replace(app, requires=()) for app in subject.registry))
    subject.application.state.runtime = replace(subject.runtime, registry=careless)
    found = [problem.message for problem in apps.requirements_are_named(subject)]
    assert "items_item.owner_id refers to the app 'users', which `requires` does not name." in found


@pytest.mark.needs("health")
def test_an_app_that_is_not_enabled() -> None:
    assert list(apps.apps_are_enabled(Subject.load(INSTALLED_APPS))) == []
    without = tuple(name for name in INSTALLED_APPS if name != "apps.health")
    (problem,) = apps.apps_are_enabled(Subject.load(without))
    assert (problem.id, problem.obj) == ("apps.W004", "apps.health")
