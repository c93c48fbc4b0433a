"""Write the API's OpenAPI document, or compare it with an older one.

    python manage.py openapi docs/openapi.json             write it
    python manage.py openapi --check docs/openapi.json     exit with 1 if clients would break

Without a file it is printed. Commit one, and let CI check each change against it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project.checks import Subject
from project.errors import CommandError
from project.management import style
from project.web.compatibility import breaking_changes

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, help="where it is written, or was")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")


def handle(options: argparse.Namespace) -> int:
    if options.check and options.file is None:
        raise CommandError("openapi: --check needs the file to compare with.", exit_code=2)
    document = Subject.load().application.openapi()
    if options.check:
        return _check(_read(options.file), document)
    written = json.dumps(document, indent=2, ensure_ascii=False)
    if options.file is None:
        print(written)
    else:
        options.file.write_text(f"{written}\n", encoding="utf-8")
        print(f"Wrote {options.file}.")
    return 0


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}.") from error
    if not isinstance(document, dict) or "paths" not in document:
        raise CommandError(f"{file} is not an OpenAPI document: it has no paths.")
    return document


def _check(old: dict[str, Any], new: dict[str, Any]) -> int:
    broken = breaking_changes(old, new)
    for change in broken:
        print(style.failure(change))
    if broken:
        print("Keep the old shape, or put the new one into a new version of the API.")
    elif old == new:
        print("No changes.")
    else:
        print("No breaking changes; write the document again to keep up.")
    return 1 if broken else 0
