"""Load rows from files that `dumpdata` wrote: all of them, or none.

    python manage.py loaddata backup.jsonl.gz

`-` reads standard input. A row whose key is taken ends it, unless `--on-conflict` says what to
do then. Rows may come in any order; while many of them are loaded, their tables are locked.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from project.db.fixtures.formats import FORMATS, format_of, read_rows
from project.db.fixtures.loading import ON_CONFLICT, Loader, Tally
from project.db.fixtures.tables import named_tables
from project.db.migrations import pending_revisions
from project.errors import CommandError
from project.management.environment import load_registry, open_connection
from project.management.progress import bar_cleared, progress_bar
from project.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

    from project.db.fixtures.formats import Entry

STANDARD_INPUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
    parser.add_argument("--format", choices=FORMATS, help="in the place of the file's ending")
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        default="error",
        help="what a row does whose key is taken (default: error)",
    )
    parser.add_argument("--dry-run", action="store_true", help="keep nothing of it")


def handle(options: argparse.Namespace) -> None:
    tables = named_tables(load_registry())
    with open_connection(load_settings()) as opened, bar_cleared():
        if pending_revisions(opened):
            raise CommandError("The database lacks migrations: run `manage.py migrate` first.")
        connection: Any = opened.connection.driver_connection
        loader = Loader(connection, tables, on_conflict=options.on_conflict)
        for name in options.files:
            _load(loader, name, options.format)
        tallies = loader.finish()
        if options.dry_run:
            opened.rollback()
        else:
            loader.number_on()
            opened.commit()
    _report(tallies, is_kept=not options.dry_run)


def _load(loader: Loader, name: str, wanted: str | None) -> None:
    shown = "standard input" if name == STANDARD_INPUT else name
    with _opened(name) as (file, size):
        draw = progress_bar(f"loaddata {Path(shown).name}", size, at_end="checking, indexing")
        entries = read_rows(file, shown, wanted or format_of(name))
        loader.load(shown, _watched(entries, file, draw) if size else entries)
        draw(size)


@contextmanager
def _opened(name: str) -> Iterator[tuple[IO[bytes], int]]:
    """Open a file and tell its size, which is 0 where nobody knows it."""
    if name == STANDARD_INPUT:
        if sys.stdin is None:  # it was closed
            raise CommandError("There is no standard input to read.", exit_code=2)
        yield sys.stdin.buffer, 0
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - it is closed below
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from error
    with file:
        yield file, Path(name).stat().st_size


def _watched(
    entries: Iterator[Entry], file: IO[bytes], draw: Callable[[int], None]
) -> Iterator[Entry]:
    for count, entry in enumerate(entries, start=1):
        yield entry
        if count % 1000 == 0:
            draw(file.tell())


def _report(tallies: Mapping[str, Tally], *, is_kept: bool) -> None:
    for name, tally in tallies.items():
        parts = [f"{tally.loaded:,} rows"]
        parts += [f"{tally.updated:,} updated"] if tally.updated else []
        reason = " (rows of this table are never changed)" if tally.is_append_only else ""
        parts += [f"{tally.skipped:,} skipped{reason}"] if tally.skipped else []
        print(f"{name}: {', '.join(parts)}")
    if not tallies:
        print("There was no row in it.")
    elif not is_kept:
        print("Nothing of it was kept (--dry-run).")
