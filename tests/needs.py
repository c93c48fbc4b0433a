"""Apps come and go. What is about one that is not installed is skipped, and says so.

A test module needs the apps whose code or factories it imports, or whose folder it lies in; a
test in another one says `@pytest.mark.needs("items")`. CI refuses skips, so with all sample apps
in place nothing can hide here.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from project.settings import INSTALLED_APPS, ROOT

IMPORT = re.compile(r"^(?:from|import) ((?:apps|tests)(?:\.\w+)+)", re.MULTILINE)
OF_APP = re.compile(r"^(?:apps|tests\.apps|tests\.factories)\.(?!test_)(\w+)")
SHARED = {"base"}  # factories that belong to no app


def need(*apps: str) -> None:
    """Skip the test at hand unless all these apps are installed."""
    missing = _missing(apps)
    if missing:
        pytest.skip(f"about an app that is not installed: {missing}")


class LeftOut(pytest.Module):
    """A test module that is not even imported."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        missing = _missing(_apps_behind(self.path))
        place = self.path.relative_to(ROOT).as_posix()
        pytest.skip(
            f"{place} is about an app that is not installed: {missing}", allow_module_level=True
        )

    @classmethod
    def if_needed(cls, path: Path, parent: pytest.Collector) -> "LeftOut | None":
        """Leave out this module if it is about an app that is not there."""
        return cls.from_parent(parent, path=path) if _missing(_apps_behind(path)) else None


def _missing(apps: Iterable[str]) -> str:
    return ", ".join(sorted(app for app in set(apps) if f"apps.{app}" not in INSTALLED_APPS))


@cache
def _apps_behind(path: Path) -> frozenset[str]:
    """The apps that a module of the suite stands on, be it by way of other modules of it."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts)]
    names += IMPORT.findall(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for name in names:
        match = OF_APP.match(name)
        module = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        if match:
            found |= {match[1]} - SHARED
        elif name.startswith("tests.") and module != path and module.is_file():
            found |= _apps_behind(module)
    return frozenset(found)
