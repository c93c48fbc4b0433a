"""Which commands there are, found by listing files and read with `ast`.

Nothing of the project or of its apps is imported here: `help` and a typo answer in
milliseconds, and they answer even when settings or an app are broken.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
from pathlib import Path
from typing import NamedTuple

from project.errors import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
SETTINGS_FILE = ROOT / "project" / "settings.py"
PROJECT = "project"
SETTING = "INSTALLED_APPS"
QUOTES = b'"""'
NOT_LITERAL = f"{SETTING} must be a tuple of quoted names and nothing else."


class Command(NamedTuple):
    """One command file; `app` is the dotted name of the app it comes from, or "project"."""

    name: str
    app: str
    module: str
    path: Path

    @property
    def summary(self) -> str:
        """The docstring's first line, or why it cannot be read."""
        try:
            tree = ast.parse(_docstring_alone(self.path.read_bytes()))
        except (SyntaxError, ValueError, OSError) as error:
            return f"(cannot be read: {_reason(error)})"
        # Cleaned docstrings cost an import of `inspect`; a first line needs none.
        return (ast.get_docstring(tree, clean=False) or "").strip().partition("\n")[0]


class Catalogue(NamedTuple):
    """All commands by name, and sentences on what could not be listed."""

    commands: dict[str, Command]
    problems: list[str]

    @classmethod
    def read(cls) -> Catalogue:
        commands: dict[str, Command] = {}
        problems: list[str] = []
        try:
            apps = installed_apps()
        except ImproperlyConfigured as error:
            apps = ()
            problems.append(str(error))
        # Apps come first and the first one wins: an app may replace a command of the project.
        folders = {app: package_folder(app) for app in apps}
        for app, folder in folders.items():
            if folder is not None:
                _collect(commands, app, f"{app}.commands", folder / "commands")
        missing = [app for app, folder in folders.items() if folder is None]
        if missing:
            problems.append(
                f"INSTALLED_APPS in project/settings.py names what cannot be found: "
                f"{', '.join(missing)}. Correct the name, install it, or take it out."
            )
        here = Path(__file__).parent / "commands"
        _collect(commands, PROJECT, "project.management.commands", here)
        return cls(commands, problems)


def installed_apps() -> tuple[str, ...]:
    """INSTALLED_APPS as written in the settings file. Raises ImproperlyConfigured."""
    where = shown(SETTINGS_FILE)
    try:
        return parse_installed_apps(SETTINGS_FILE.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise ImproperlyConfigured(f"{where} cannot be read: {_reason(error)}.") from error


def parse_installed_apps(source: bytes) -> tuple[str, ...]:
    """The names in the literal. Raises SyntaxError, ValueError, ImproperlyConfigured."""
    literal = find_installed_apps(source)
    names = [value.value for value in literal.elts if isinstance(value, ast.Constant)]
    if len(names) != len(literal.elts) or not all(isinstance(name, str) for name in names):
        raise ImproperlyConfigured(NOT_LITERAL)
    return tuple(str(name) for name in names)


def find_installed_apps(source: bytes) -> ast.Tuple | ast.List:
    """The literal that is assigned to INSTALLED_APPS, with its place in the source."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == SETTING for target in targets):
            if isinstance(statement.value, ast.Tuple | ast.List):
                return statement.value
            raise ImproperlyConfigured(NOT_LITERAL)
    raise ImproperlyConfigured(f"{shown(SETTINGS_FILE)} does not define {SETTING}.")


def package_folder(package: str) -> Path | None:
    """The folder of a package, found without importing it or its parents."""
    local = ROOT.joinpath(*package.split("."))
    if local.is_dir():
        return local
    top, *rest = package.split(".")
    try:
        spec = importlib.util.find_spec(top)
        name = top
        for part in rest:
            name = f"{name}.{part}"
            locations = spec.submodule_search_locations if spec else None
            spec = importlib.machinery.PathFinder.find_spec(name, locations) if locations else None
    except (ImportError, ValueError):
        return None
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None


def shown(path: Path | str) -> str:
    """A path as a person standing in the project would write it."""
    path = Path(path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def _collect(commands: dict[str, Command], app: str, package: str, folder: Path) -> None:
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            command = Command(path.stem, app, f"{package}.{path.stem}", path)
            commands.setdefault(path.stem, command)


def _docstring_alone(source: bytes) -> bytes:
    """Return what a file begins with, if that is a plain docstring; else all of it.

    Parsing every command to its end took a third of the time of `help`.
    """
    before, opening, rest = source.partition(QUOTES)
    docstring, closing, _ = rest.partition(QUOTES)
    is_plain = not before and closing and b"\\" not in docstring
    return opening + docstring + closing if is_plain else source


def _reason(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg} in line {error.lineno}"
    return str(error)
