"""Show which settings differ from their defaults, and where each of them comes from.

Secrets are masked. With --all it shows every setting there is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from dotenv import dotenv_values
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from project.app_settings import SettingsOfApps, prefix_of
from project.apps import Registry
from project.capacity import read_capacity
from project.management import style
from project.settings import (
    ENV_FILE,
    INSTALLED_APPS,
    Settings,
    SettingsGroup,
    load_settings,
    secrets_directory,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator

MASK = "***"


class Row(NamedTuple):
    """One setting: its variable, its value as shown, where it was found."""

    name: str
    value: str
    source: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="those that have their default, too")


def handle(options: argparse.Namespace) -> None:
    registry = Registry.load(INSTALLED_APPS)
    settings, app_settings = load_settings(), SettingsOfApps.load(registry)
    everything = [*list_settings(settings), *list_app_settings(registry, app_settings)]
    rows = [row for row in everything if options.all or row.source != "default"]
    if not rows:
        print("Every setting has its default.")
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print(f"{cells[0]}  {cells[1]}  {style.faint(cells[2].rstrip())}")


def list_settings(settings: Settings) -> Iterator[Row]:
    """Name every setting, group after group, with its value in effect."""
    capacity = read_capacity() if settings.is_deployed else None
    measured = set(capacity.settings) if capacity else set()
    for group_name in Settings.model_fields:
        group: SettingsGroup = getattr(settings, group_name)
        yield from _rows(group, group.model_config.get("env_prefix", ""), measured)


def list_app_settings(registry: Registry, settings: SettingsOfApps) -> Iterator[Row]:
    """Do the same for the settings of each app."""
    for app in registry:
        if app.label in settings.by_label:
            yield from _rows(settings.by_label[app.label], prefix_of(app))


def _rows(group: SettingsGroup, prefix: str, measured: Collection[str] = ()) -> Iterator[Row]:
    file = {name.upper() for name, value in dotenv_values(ENV_FILE).items() if value}
    for field, info in type(group).model_fields.items():
        name = f"{prefix}{field}".upper()
        value = getattr(group, field)
        source = _source(name, file)
        if source == "default" and name in measured:
            source = "capacity.toml"
        if source == "default" and value != info.get_default(call_default_factory=True):
            source = "generated" if isinstance(value, SecretStr) else "limited"
        yield Row(name, _shown(value), source)


def _source(name: str, file: set[str]) -> str:
    """Where it comes from, in the order in which settings are read."""
    if any(value and known.upper() == name for known, value in os.environ.items()):
        return "environment"
    if name in file:
        return ".env"
    folder = secrets_directory()
    if folder and any(path.name.upper() == name for path in folder.iterdir()):
        return "SECRETS_DIR"
    return "default"


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "-"
    if isinstance(value, str) and "://" in value:
        return _without_password(value)
    return "-" if value is None else str(value)


def _without_password(address: str) -> str:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return MASK  # who knows what it holds
    hidden = {"password": "hidden"} if "password" in url.query else {}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)
