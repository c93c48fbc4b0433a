"""Which installed app keeps the history of changes."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from project.application import find_trail
from project.apps import AppConfig, Registry
from project.errors import AppError
from project.settings import INSTALLED_APPS


class Told(Registry):
    """Apps with a `trail.py` each."""

    def modules(self, name: str) -> Any:
        assert name == "trail"
        for app in self.apps:
            module = ModuleType(name)
            if app.description:
                module.trail = SimpleNamespace(record=print)  # type: ignore[attr-defined]
            yield app, module


def test_nobody_keeps_one() -> None:
    assert find_trail(Registry(())) is None


@pytest.mark.needs("audit")
def test_the_sample_app_keeps_one() -> None:
    assert find_trail(Registry.load(INSTALLED_APPS)) is not None


@pytest.mark.parametrize("description", ["", "has half of it"])
def test_a_file_without_a_trail(description: str) -> None:
    apps = (AppConfig(label="one", description=description),)
    with pytest.raises(AppError, match=r"'one': trail.py must define `trail`"):
        find_trail(Told(apps))


def test_two_are_one_too_many() -> None:
    apps = (AppConfig(label="one"), AppConfig(label="two"))
    with pytest.raises(AppError, match="Only one app may keep the history of changes"):
        find_trail(Told(apps))
