"""What a load test found this deployment to need: `deploy/capacity.toml`.

`manage.py loadtest apply` writes it. Settings read it in staging and production, after everything
else: whoever sets a variable is believed before any measurement. It is for the machines that were
measured, so that development and tests leave it alone.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from project.errors import ImproperlyConfigured

FILE = Path(__file__).resolve().parent.parent / "deploy" / "capacity.toml"
NAMES = ("WORKERS", "DATABASE_POOL_SIZE", "CPU_LANE_SIZE")
"""The settings that it may hold."""

MEND = "Write it anew: `manage.py loadtest apply RESULT`."


@dataclass(frozen=True)
class Provenance:
    """Where its figures come from."""

    measured: datetime
    revision: str
    """Of the code that was measured."""

    migration: str
    """The newest one of that code."""

    machine: str
    cores: int
    capacity: float
    """Requests a second that one such machine carried within the budgets."""

    operating_rate: float
    """Requests a second to plan with."""


@dataclass(frozen=True)
class Capacity:
    """The file, read."""

    settings: dict[str, int]
    provenance: Provenance


def read_capacity(path: Path | None = None) -> Capacity | None:
    """Read the file; None if there is none. Raises ImproperlyConfigured if it is broken."""
    path = path or FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(path, str(error)) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(path, f"is no TOML: {error}") from error
    return Capacity(_settings(path, tables), _provenance(path, tables))


def _settings(path: Path, tables: dict[str, Any]) -> dict[str, int]:
    table = _table(path, tables, "settings")
    for name, value in table.items():
        if name not in NAMES:
            raise _broken(path, f"has an unknown setting, {name}; there are {', '.join(NAMES)}")
        if type(value) is not int or value < 1:
            raise _broken(path, f"has {name} = {value!r}, which is no number from 1 on")
    return table


def _provenance(path: Path, tables: dict[str, Any]) -> Provenance:
    table = _table(path, tables, "provenance")
    kinds: dict[str, type | tuple[type, ...]] = {
        "measured": datetime,
        "cores": int,
        "capacity": (int, float),
        "operating_rate": (int, float),
    }
    for name in (field.name for field in fields(Provenance)):
        if not isinstance(table.get(name), kinds.get(name, str)):
            raise _broken(path, f"has no {name} in [provenance], or none of its kind")
    known = {field.name: table[field.name] for field in fields(Provenance)}
    if known["measured"].tzinfo is None:
        known["measured"] = known["measured"].replace(tzinfo=UTC)
    return Provenance(**known)


def _table(path: Path, tables: dict[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name)
    if not isinstance(table, dict):
        raise _broken(path, f"has no table [{name}]")
    return table


def _broken(path: Path, what: str) -> ImproperlyConfigured:
    line = " ".join(what.split())
    return ImproperlyConfigured(f"{path.parent.name}/{path.name} {line}. {MEND}")
