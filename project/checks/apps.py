"""Checks of apps: of their files, of what they need, of those that nobody enabled."""

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path

from sqlalchemy import Table

from project.apps import FILES, FOLDERS, AppConfig
from project.checks.framework import Problem, Subject, check
from project.db.base import Base
from project.settings import ROOT
from project.web.versions import VERSIONS

ENTRY_POINTS = "lintel.apps"
"""The group in which a package names its apps, so that they can be found before they are used."""

LIKENESS = 0.75


@check("apps")
def files_are_known(subject: Subject) -> Iterator[Problem]:
    """A file that is called almost as the contract has it was meant to be read."""
    for app in subject.registry:
        for path in sorted(app.folder.iterdir()):
            near = _meant(path, app)
            if near:
                yield Problem(
                    "apps.W001",
                    f"Nobody reads {path.name}.",
                    hint=f"Did you mean {near}?",
                    obj=app.package,
                )


@check("apps")
def versions_are_mounted(subject: Subject) -> Iterator[Problem]:
    for app in subject.registry:
        for path in sorted((app.folder / "api").glob("v[0-9]*.py")):
            if path.stem not in VERSIONS:
                yield Problem(
                    "apps.W002",
                    f"api/{path.name} is mounted nowhere.",
                    hint=f"The API's versions are {', '.join(VERSIONS)} (project/web/versions.py).",
                    obj=app.package,
                )


@check("apps")
def apps_are_enabled(subject: Subject) -> Iterator[Problem]:
    """Being there is not being installed: no app runs that INSTALLED_APPS does not name."""
    installed = {app.package for app in subject.registry}
    found = {f"apps.{path.parent.name}" for path in (ROOT / "apps").glob("*/app.py")}
    offered = {point.value.partition(":")[0] for point in entry_points(group=ENTRY_POINTS)}
    for package in sorted((found | offered) - installed):
        yield Problem(
            "apps.W004",
            "It is there, but not enabled.",
            hint="Add it to INSTALLED_APPS in project/settings.py, or remove it.",
            obj=package,
        )


@check("apps")
def requirements_are_named(subject: Subject) -> Iterator[Problem]:
    """Whoever refers to another app's table cannot be installed without that app."""
    owners = _owners(subject)
    for table, app in owners.items():
        for key in table.foreign_keys:
            other = owners.get(key.column.table, app)
            if other is not app and other.label not in app.requires:
                yield Problem(
                    "apps.W003",
                    f"{table.name}.{key.parent.name} refers to the app '{other.label}', which "
                    "`requires` does not name.",
                    hint=f'Add "{other.label}" to requires in {app.package}/app.py.',
                    obj=app.package,
                )


def _meant(path: Path, app: AppConfig) -> str:
    """Return the name of the contract that is meant by one alike, or nothing."""
    known = FOLDERS if path.is_dir() else FILES
    if path.stem in known or (path.is_file() and path.suffix != ".py"):
        return ""
    if f"{app.package}.{path.stem}" in sys.modules:
        return ""  # a module of its own, imported by another
    (near,) = get_close_matches(path.stem, known, 1, LIKENESS) or [""]
    return near and near + ("/" if path.is_dir() else ".py")


def _owners(subject: Subject) -> dict[Table, AppConfig]:
    """Return each table with the app that declares it."""
    apps = {f"{app.package}.models": app for app in subject.registry}
    return {
        mapper.local_table: apps[mapper.class_.__module__]
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table) and mapper.class_.__module__ in apps
    }
