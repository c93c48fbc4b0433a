"""Settings of single apps: a class in `<app>/settings.py`, read under the app's own prefix.

    class ItemsSettings(AppSettings):
        image_quality: int = Field(default=80, ge=1, le=100)
        '''Of the pictures that are kept.'''  # ITEMS_IMAGE_QUALITY

They come from where the project's settings come from, and a value that does not fit ends the
start in the same way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple, TypeVar

from dotenv import dotenv_values
from fastapi import Depends, Request
from pydantic import ValidationError

from project.apps import AppConfig, Registry
from project.errors import AppError, ImproperlyConfigured
from project.setting_problems import explain
from project.settings import ENV_FILE, Settings, SettingsGroup, secrets_directory

# What Kubernetes sets in every container for a service that is called as an app is.
FOREIGN = re.compile(r"_SERVICE_(HOST|PORT)\w*$|_PORT(_\d+_(TCP|UDP|SCTP)\w*)?$")


LIKENESS = 0.87
"""How much a name without a prefix of ours has to be like a setting: `MAIL_ULR` is."""


class AppSettings(SettingsGroup):
    """The settings of one app; the variables are called `<LABEL>_<FIELD>`."""


Kind = TypeVar("Kind", bound=AppSettings)


class SettingsOfApps:
    """What `<app>/settings.py` of each installed app holds, found by its class."""

    def __init__(self, found: Mapping[str, AppSettings]) -> None:
        self.by_label = MappingProxyType(dict(found))
        self._by_kind = {type(settings): settings for settings in found.values()}

    @classmethod
    def load(cls, registry: Registry, *, env_file: Path | None = ENV_FILE) -> SettingsOfApps:
        """Read the settings of all apps now.

        Raises ImproperlyConfigured, one line that names every variable that does not fit, and
        AppError for a `settings.py` without a class.
        """
        found, problems = {}, list[str]()
        for app, module in registry.modules("settings"):
            kind = _class_in(module, app)
            try:
                found[app.label] = kind(
                    _env_prefix=prefix_of(app),
                    _env_file=env_file,
                    _secrets_dir=secrets_directory(),
                )
            except ValidationError as error:
                problems += explain(error, kind, prefix_of(app))
        if problems:
            raise ImproperlyConfigured(f"Settings of apps: {'; '.join(problems)}")
        return cls(found)

    def of(self, kind: type[Kind]) -> Kind:
        """Return the settings of this class. Raises AppError if its app is not installed."""
        try:
            settings = self._by_kind[kind]
        except KeyError:
            raise AppError(f"{kind.__module__}.{kind.__name__} is of no installed app.") from None
        assert isinstance(settings, kind)  # noqa: S101 - the key says so
        return settings


def from_settings(kind: type[AppSettings]) -> Any:
    """Hand an app's settings to a route or a provider.

    `Quality = Annotated[ItemsSettings, from_settings(ItemsSettings)]`
    """

    async def settings(request: Request) -> AppSettings:
        return request.app.state.runtime.app_settings.of(kind)  # type: ignore[no-any-return]

    return Depends(settings)


def prefix_of(app: AppConfig) -> str:
    """Return what the variables of an app begin with, `ITEMS_` say."""
    return f"{app.label.upper()}_"


class Unknown(NamedTuple):
    """A variable that nobody reads, where it stands, and one that is called alike."""

    name: str
    source: str
    near: str

    def __str__(self) -> str:
        hint = f" Did you mean {self.near}?" if self.near else ""
        return f"{self.name} ({self.source}) is no setting.{hint}"


def find_unknown(
    registry: Registry, settings: SettingsOfApps, *, env_file: Path | None = ENV_FILE
) -> list[Unknown]:
    """Find variables that begin as settings do, or are called almost so: misspelt ones.

    The prefixes are those of apps and of the project's groups, `DATABASE_` say.
    """
    prefixes, known = _project_names()
    for app in registry:
        prefixes.add(prefix_of(app))
        if app.label in settings.by_label:
            fields = type(settings.by_label[app.label]).model_fields
            known |= {prefix_of(app) + field.upper() for field in fields}
    return [
        Unknown(name, source, next(iter(get_close_matches(name, known, n=1)), ""))
        for source, names in _variables(env_file).items()
        for name in sorted(names - known)
        if not FOREIGN.search(name)
        if name.startswith(tuple(prefixes)) or get_close_matches(name, known, 1, LIKENESS)
    ]


def _project_names() -> tuple[set[str], set[str]]:
    """Return the prefixes of the project's groups and the names of all their settings."""
    prefixes, names = set[str](), {"SECRETS_DIR"}
    for field in Settings.model_fields.values():
        group: Any = field.annotation
        prefix = group.model_config.get("env_prefix", "")
        prefixes |= {prefix} - {""}
        names |= {f"{prefix}{name}".upper() for name in group.model_fields}
    return prefixes, names


def _variables(env_file: Path | None) -> dict[str, set[str]]:
    """Return the names that are set, by the place where settings are read from."""
    folder = secrets_directory()
    return {
        "environment": {name.upper() for name in os.environ},
        ".env": {name.upper() for name in dotenv_values(env_file)} if env_file else set(),
        "SECRETS_DIR": {path.name.upper() for path in folder.iterdir()} if folder else set(),
    }


def _class_in(module: ModuleType, app: AppConfig) -> type[AppSettings]:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, AppSettings)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise AppError(
            f"App '{app.label}': {module.__name__} must define one class derived from AppSettings."
        )
    return found[0]
