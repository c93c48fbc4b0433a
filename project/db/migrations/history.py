"""The revisions on disk."""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError as AlembicError
from sqlalchemy import Connection

from project.errors import CommandError
from project.settings import ROOT

VERSIONS = ROOT / "migrations" / "versions"


def alembic_config(connection: Connection | None = None, **attributes: Any) -> Config:
    """Return the configuration, with the connection and whatever else env.py shall use."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes.update(attributes, connection=connection)
    return config


@cache
def script_directory() -> ScriptDirectory:
    """Return the revisions on disk, read once a process."""
    return ScriptDirectory.from_config(alembic_config())


def head_revision() -> str | None:
    """Return the newest revision. Raises CommandError if the history has forked."""
    _refuse_duplicates()
    heads = script_directory().get_heads()
    if len(heads) > 1:
        raise CommandError(
            f"The history has several heads ({', '.join(sorted(heads))}): point the "
            "down_revision of one of them to the other."
        )
    return heads[0] if heads else None


def find_revision(name: str) -> Script:
    """Return the revision of this name. Raises CommandError if there is none."""
    unknown = CommandError(f"There is no revision '{name}'. `manage.py showmigrations` lists them.")
    try:
        script = script_directory().get_revision(name) if name else None
    except AlembicError as error:
        raise unknown from error
    if script is None:
        raise unknown
    return script


def next_revision() -> str:
    """Return the number of the next migration, "0007" say."""
    head = head_revision()
    return f"{int(head) + 1 if head else 1:04d}"


def _refuse_duplicates() -> None:
    """Two branches may each have added an 0007; Alembic would only warn and take one."""
    numbers = Counter(path.name.partition("_")[0] for path in _version_files())
    doubles = [number for number, count in numbers.items() if count > 1]
    if doubles:
        raise CommandError(
            f"Two migrations are numbered {doubles[0]}: give the later one the next number, in "
            "its file name, in `revision`, and let its `down_revision` name the other."
        )


def _version_files() -> list[Path]:
    return sorted(VERSIONS.glob("[0-9]*.py"))
