"""What an app is, and how the installed ones are found.

`INSTALLED_APPS` names packages. Each has an `app.py` with one `AppConfig` called `app`;
every other file is found by its name when the phase that needs it comes:

    app.py               manifests, in order
    models.py            models, then every mapper is configured
    api/v1.py, api/v2.py, routes.py, admin.py, identity.py, limiter.py,
    trail.py, lanes.py, settings.py, lifespan.py
                         only when the web application is built
    tasks.py             when a route imports it, and in a worker
    checks.py, seeds.py, commands/<verb>.py
                         only when somebody asks

An absent file is an absent concern.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from project.errors import AppError

ROOT = Path(__file__).resolve().parent.parent

FILES = (
    *("__init__", "app", "models", "errors", "queries", "services", "dependencies"),
    *("routes", "admin", "identity", "limiter", "trail", "settings", "lifespan", "lanes"),
    *("checks", "seeds", "tasks"),
)
"""The modules whose names mean something; an app may have others, for itself."""

FOLDERS = ("api", "commands", "templates", "locale")


@dataclass(frozen=True, kw_only=True)
class AppConfig:
    """The manifest of an app; opening it shows what the app is and needs."""

    label: str
    """Short and unique; prefixes the app's tables and permissions."""

    title: str = ""
    """For people: the admin's menu, the home page."""

    description: str = ""
    """One sentence on what the app does."""

    requires: tuple[str, ...] = ()
    """Labels of the apps that it imports; they are installed before it."""

    permissions: tuple[str, ...] = ()
    """What there is to permit beside the models' own: `export_sales` is `<label>.export_sales`."""

    package: str = field(default="", repr=False)
    """The dotted name under which it is installed; filled in by the registry."""

    @property
    def folder(self) -> Path:
        """The folder that holds `app.py`."""
        module = sys.modules[f"{self.package}.app"]
        return Path(str(module.__file__)).parent

    def find_module(self, name: str) -> ModuleType | None:
        """Import `<package>.<name>` if that file exists.

        Raises AppError, with the cause attached, if the file exists and fails.
        """
        path = self.folder.joinpath(*name.split("."))
        if not path.with_suffix(".py").is_file() and not (path / "__init__.py").is_file():
            return None
        return _import(f"{self.package}.{name}", self.label)


@dataclass(frozen=True)
class Registry:
    """The installed apps, in their order."""

    apps: tuple[AppConfig, ...]

    @classmethod
    def load(cls, packages: Iterable[str]) -> Registry:
        """Import every manifest and refuse what does not fit together.

        Raises AppError for a missing package, a duplicate label or an unmet requirement.
        """
        registry = cls(tuple(_load_manifest(package) for package in packages))
        registry._refuse_duplicates()
        registry._refuse_unmet_requirements()
        return registry

    def __iter__(self) -> Iterator[AppConfig]:
        return iter(self.apps)

    def get(self, label: str) -> AppConfig:
        """Return the app with this label, or raise AppError that names a near one."""
        for app in self.apps:
            if app.label == label:
                return app
        labels = [app.label for app in self.apps]
        near = get_close_matches(label, labels, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(labels)}."
        raise AppError(f"No installed app is called '{label}'. {hint}")

    def owner_of(self, table: str) -> str | None:
        """Return the label of the app that a table is named after; None if there is none."""
        labels = [app.label for app in self.apps if table.startswith(f"{app.label}_")]
        return max(labels, key=len, default=None)

    def import_models(self) -> None:
        """Import every `models.py`, then configure all mappers.

        Raises AppError that names the app whose models do not import or do not fit.
        """
        for app in self.apps:
            app.find_module("models")
        self._configure_mappers()

    def modules(self, name: str) -> Iterator[tuple[AppConfig, ModuleType]]:
        """Yield each app that has the file `name`, with the module."""
        for app in self.apps:
            module = app.find_module(name)
            if module is not None:
                yield app, module

    def template_folders(self) -> tuple[Path, ...]:
        """The apps' own `templates/` folders, in order."""
        folders = (app.folder / "templates" for app in self.apps)
        return tuple(folder for folder in folders if folder.is_dir())

    def locale_folders(self) -> tuple[Path, ...]:
        """Where each app's own catalogues are, or would be, in order."""
        return tuple(app.folder / "locale" for app in self.apps)

    def _refuse_duplicates(self) -> None:
        seen: dict[str, str] = {}
        for app in self.apps:
            if app.label in seen:
                raise AppError(
                    f"Two installed apps are labelled '{app.label}': {seen[app.label]} and "
                    f"{app.package}. Rename one or take it out of INSTALLED_APPS."
                )
            seen[app.label] = app.package

    def _refuse_unmet_requirements(self) -> None:
        labels = [app.label for app in self.apps]
        for position, app in enumerate(self.apps):
            for needed in app.requires:
                if needed not in labels:
                    raise AppError(
                        f"App '{app.label}' requires '{needed}', which is not installed: add it "
                        f"to INSTALLED_APPS before '{app.package}'."
                    )
                if needed not in labels[:position]:
                    raise AppError(
                        f"App '{app.label}' requires '{needed}': move '{app.package}' behind it "
                        "in INSTALLED_APPS."
                    )

    def _configure_mappers(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - `help` must not pay for it

        from project.db.base import Base  # noqa: PLC0415 - the same

        try:
            Base.registry.configure()
        except SQLAlchemyError as error:
            modules = [mapper.class_.__module__ for mapper in _failed_mappers(Base.registry)]
            names = [app.label for app in self.apps if f"{app.package}.models" in modules]
            owner = f"App '{names[0]}': its" if names else "The"
            raise AppError(f"{owner} models do not fit together: {_first_line(error)}") from error
        self._resolve_foreign_keys(Base.registry)

    def _resolve_foreign_keys(self, registry: Any) -> None:
        """Mappers without a relationship do not ask where a foreign key leads."""
        from sqlalchemy.exc import NoReferenceError  # noqa: PLC0415 - `help` must not pay for it

        for mapper in registry.mappers:
            for key in mapper.local_table.foreign_keys:
                try:
                    _ = key.column
                except NoReferenceError as error:
                    raise AppError(
                        f"{mapper.class_.__module__}.{mapper.class_.__name__}.{key.parent.name} "
                        f"refers to '{key.target_fullname}', which no installed app has: install "
                        "the app that it belongs to, and name it in `requires`."
                    ) from error


def _failed_mappers(registry: Any) -> list[Any]:
    """SQLAlchemy notes at the mapper itself that it could not be configured."""
    return [mapper for mapper in registry.mappers if getattr(mapper, "_configure_failed", False)]


def _load_manifest(package: str) -> AppConfig:
    if importlib.util.find_spec(package.partition(".")[0]) is None:
        raise AppError(f"INSTALLED_APPS names '{package}', which is not a package here.")
    module = _import(f"{package}.app", package)
    manifest: Any = getattr(module, "app", None)
    if not isinstance(manifest, AppConfig):
        raise AppError(f"{package}/app.py must define `app = AppConfig(label=…)`.")
    return replace(manifest, package=package)


def _import(name: str, app: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise AppError(
                f"INSTALLED_APPS names '{app}', but there is no module {error.name}: "
                "correct the name or create it with `manage.py startapp`."
            ) from error
        raise AppError(f"App '{app}': {name} needs '{error.name}', which is missing.") from error
    except AppError:
        raise
    except Exception as error:
        reason = error.msg if isinstance(error, SyntaxError) else _first_line(error)
        raise AppError(
            f"App '{app}': {name} fails to import: {type(error).__name__}: {reason}{_place(error)}"
        ) from error


def _place(error: Exception) -> str:
    """Return the file and the line of our own code that an import broke at."""
    frames = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    ours = [
        (Path(file).relative_to(ROOT).as_posix(), line)
        for file, line in frames
        if Path(file).is_relative_to(ROOT) and "site-packages" not in file
    ]
    known = [place for place in ours if place[0] != "project/apps.py"]
    return f" ({known[-1][0]}, line {known[-1][1]})" if known else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]
