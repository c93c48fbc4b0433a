"""Write rows to a file: all of them, or those of the apps and models named.

    python manage.py dumpdata items users.User --output backup.jsonl.gz

All rows are of one moment, in an order that `loaddata` can load. The format is that of the
file's ending: .json is one list, .jsonl one row a line, .gz either of them compressed. What is
written holds everything there is to know, password hashes included: keep it like a secret.
"""

from __future__ import annotations

import gzip
import os
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from project.db.fixtures.dumping import count_rows, dump_rows, open_snapshot
from project.db.fixtures.formats import FORMATS, format_of, write_rows
from project.db.fixtures.tables import choose_tables, named_tables
from project.db.migrations import pending_revisions
from project.errors import CommandError
from project.management.environment import load_registry, open_connection
from project.management.progress import bar_cleared, progress_bar
from project.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

COMPRESSION = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="an app, or app.Model")
    parser.add_argument("-o", "--output", metavar="FILE", help="in the place of standard output")
    parser.add_argument("--format", choices=FORMATS, help="in the place of the file's ending")
    parser.add_argument("--indent", type=int, metavar="N", help="break .json into lines")
    parser.add_argument(
        "-e", "--exclude", action="append", default=[], metavar="NAME", help="leave these out"
    )


def handle(options: argparse.Namespace) -> None:
    wanted = options.format or format_of(options.output or "") or "json"
    if options.indent is not None and (wanted != "json" or not 0 <= options.indent <= 16):  # noqa: PLR2004
        raise CommandError("--indent is for JSON, 0 to 16 spaces.", exit_code=2)
    registry = load_registry()
    tables = choose_tables(named_tables(registry), registry, options.names, options.exclude)
    with open_connection(load_settings()) as opened, bar_cleared():
        connection: Any = opened.connection.driver_connection
        open_snapshot(connection)
        if pending_revisions(opened):
            raise CommandError("The database lacks migrations: run `manage.py migrate` first.")
        total = count_rows(connection, tables) if sys.stderr.isatty() and tables else 0
        rows = _counted(dump_rows(connection, tables), progress_bar("dumpdata", total))
        with _opened(options.output) as file:
            count = write_rows(file, rows, wanted=wanted, indent=options.indent)
    if options.output:
        places = f"{len(tables)} table{'' if len(tables) == 1 else 's'}"
        print(f"Wrote {count:,} row{'' if count == 1 else 's'} of {places} to {options.output}.")


def _counted(rows: Iterator[bytes], draw: Callable[[int], None]) -> Iterator[bytes]:
    for count, row in enumerate(rows, start=1):
        yield row
        if count % 1000 == 0:
            draw(count)


@contextmanager
def _opened(name: str | None) -> Iterator[IO[bytes]]:
    """Open what is written to; a file is there when it is complete, or not at all."""
    if name is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    path = Path(name)
    if path.exists() and not path.is_file():  # a pipe, a device
        with _writing(name), path.open("wb") as file, _compressed(file, name) as inner:
            yield inner
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with _writing(name):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with _compressed(file, name) as inner:
                    yield inner
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror}.") from error


@contextmanager
def _compressed(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if not name.endswith(".gz"):
        yield file
        return
    # Without a name and a time in it, the same rows make the same file.
    with gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as inner:
        yield inner  # type: ignore[misc]
