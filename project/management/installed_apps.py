"""Taking an app out of INSTALLED_APPS, as it is written in the settings file."""

from __future__ import annotations

import ast

from project.errors import CommandError
from project.management.catalogue import find_installed_apps, parse_installed_apps


def without_app(source: bytes, package: str) -> bytes:
    """The settings file with `package` taken out of INSTALLED_APPS and all else as it was.

    Raises CommandError if they do not come out right.
    """
    before = parse_installed_apps(source)
    changed = _removed(source, package)
    if parse_installed_apps(changed) != tuple(name for name in before if name != package):
        raise CommandError(f"Take {package!r} out of INSTALLED_APPS by hand: its form is unusual.")
    return changed


def _removed(source: bytes, package: str) -> bytes:
    literal = find_installed_apps(source)
    lines = source.splitlines(keepends=True)
    entries = literal.elts
    found = [e for e in entries if isinstance(e, ast.Constant) and e.value == package]
    if len(found) != 1:
        raise CommandError(f"{package!r} does not stand in INSTALLED_APPS exactly once.")
    entry = found[0]
    row, end = entry.lineno - 1, entry.end_col_offset or 0  # `ast` counts bytes
    line = lines[row]
    if all(other is entry or other.lineno != entry.lineno for other in entries) and _is_alone(
        line[: entry.col_offset], line[end:]
    ):
        del lines[row]  # with the comment behind it, which speaks of it
    else:
        lines[row] = _cut(line, entry.col_offset, end, is_first=entry is entries[0])
    return b"".join(lines)


def _is_alone(before: bytes, behind: bytes) -> bool:
    rest = behind.strip().removeprefix(b",").strip()
    return not before.strip() and (not rest or rest.startswith(b"#"))


def _cut(line: bytes, start: int, end: int, *, is_first: bool) -> bytes:
    """Cut an entry out of a line that holds more, with one comma: that before it if it can be."""
    before, behind = line[:start], line[end:]
    head = before.rstrip()
    if not is_first and head.endswith(b","):
        before = head[:-1]
    elif behind.lstrip().startswith(b","):
        behind = behind.lstrip()[1:].lstrip(b" ")
    return before + behind
