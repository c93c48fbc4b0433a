"""What is in a database, as pg_dump writes it, and how two of them differ.

The order of columns does not count: a column that was added late is the last one in the database
and stands anywhere in the model. Nor do the names of NOT NULLs, which outlive a rename.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import URL, Connection, inspect, text

from project.db.embedded import EmbeddedServerError
from project.db.embedded.binaries import program
from project.db.migrations.state import VERSION_TABLE
from project.errors import CommandError

# pg_dump's comment before each object.
OBJECT = re.compile(r"^--\n-- (Name: .*)\n--\n", re.MULTILINE)
# What it writes besides: settings, its own comments, and tokens for psql that change each time.
BESIDES = re.compile(r"^(SET |SELECT pg_catalog\.set_config|--|\\|$)")
NOT_NULL = re.compile(r" CONSTRAINT \S+ NOT NULL")


class Content(NamedTuple):
    """The objects of a database by their names, and how many rows each table has."""

    objects: dict[str, str]
    rows: dict[str, int]

    @classmethod
    def read(cls, url: URL, connection: Connection) -> Content:
        """Read it all. Raises CommandError where pg_dump is missing or fails."""
        return cls(parse_dump(_dump(url)), dict(_count_rows(connection)))

    def lines(self) -> list[str]:
        """Return it as text that can be compared line by line."""
        objects = [f"{name}\n{body}" for name, body in sorted(self.objects.items())]
        rows = [f"{table}: {count} rows" for table, count in sorted(self.rows.items()) if count]
        return "\n".join([*objects, *rows]).splitlines()


def difference(before: Content, after: Content) -> list[str]:
    """Return what is only in one of them, as `diff -u` shows it, without its head."""
    compared = difflib.unified_diff(before.lines(), after.lines(), lineterm="", n=1)
    return list(compared)[2:]


def parse_dump(dump: str) -> dict[str, str]:
    """Split what pg_dump has written into objects."""
    _, *parts = OBJECT.split(dump)
    return {
        name: _normalised(body) for name, body in zip(parts[::2], parts[1::2], strict=True) if body
    }


def _normalised(body: str) -> str:
    lines = [NOT_NULL.sub(" NOT NULL", line.rstrip()) for line in body.splitlines()]
    lines = [line for line in lines if not BESIDES.match(line)]
    if lines and lines[0].startswith("CREATE TABLE"):
        lines[1:] = sorted(line.rstrip(",") for line in lines[1:])
    return "\n".join(lines)


def statements_of_schema(url: URL, name: str) -> str:
    """Return the SQL that makes a whole PostgreSQL schema again; nothing where it is not there.

    Raises CommandError where pg_dump is missing or fails.
    """
    lines = _dump(url, f"--schema={name}", "--no-comments").splitlines()
    kept = [line for line in lines if not BESIDES.match(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _dump(url: URL, *options: str) -> str:
    address = url.set(drivername="postgresql", password=None).render_as_string()
    # By the environment: arguments can be read by every process of the machine.
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    finished = subprocess.run(
        [_pg_dump(), "--schema-only", "--no-owner", "--no-privileges", *options, address],
        env={**os.environ, **password},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise CommandError(f"pg_dump failed: {finished.stderr.strip()}")
    return finished.stdout


def _pg_dump() -> str:
    """Prefer the embedded server's: one that is older than the server refuses to work."""
    try:
        return program("pg_dump")
    except EmbeddedServerError as error:
        found = shutil.which("pg_dump")
        if found is None:
            raise CommandError(
                "There is no pg_dump: install PostgreSQL's client programs, or the dev group "
                "(uv sync)."
            ) from error
        return found


def _count_rows(connection: Connection) -> Iterator[tuple[str, int]]:
    for table in inspect(connection).get_table_names():
        if table != VERSION_TABLE:
            query = text(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - the catalogue's names
            yield table, connection.scalar(query) or 0
    connection.rollback()
