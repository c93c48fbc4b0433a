"""Apps and their commands are found without importing anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from project.management.catalogue import Catalogue, Command, installed_apps, package_folder
from project.settings import INSTALLED_APPS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_literal_is_the_setting() -> None:
    assert installed_apps() == INSTALLED_APPS


def test_an_installed_package_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = tmp_path / "acme_suite" / "blog"
    app.mkdir(parents=True)
    for package in (app.parent, app):
        (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert package_folder("acme_suite.blog") == app
    assert package_folder("acme_suite.shop") is None
    assert "acme_suite" not in sys.modules


def test_every_command_has_a_summary() -> None:
    for command in Catalogue.read().commands.values():
        assert command.summary.endswith("."), command.name


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        ('"""One.\n\nTwo.\n"""\nimport this_is_not_read\n', "One."),
        ('r"""One."""\n', "One."),
        ('# Ours.\n"""One."""\n', "One."),
        ('"""One \\"""of three."""\n', 'One """of three.'),
        ("'One.'\n", "One."),
        ("x = 1\n", ""),
        ('"""One.\n', "(cannot be read: unterminated triple-quoted string literal"),
    ],
)
def test_a_summary(tmp_path: Path, source: str, summary: str) -> None:
    (tmp_path / "one.py").write_text(source)
    command = Command("one", "project", "one", tmp_path / "one.py")
    assert command.summary.startswith(summary)
    assert bool(command.summary) == bool(summary)
