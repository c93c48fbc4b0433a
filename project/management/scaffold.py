"""Writing a new app from its template, and enrolling it in INSTALLED_APPS."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path
from string import Template
from typing import NamedTuple

from project.errors import CommandError
from project.management.catalogue import (
    find_installed_apps,
    installed_apps,
    parse_installed_apps,
    shown,
)

TEMPLATE = Path(__file__).parent / "app_template"
NAME = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_NAME = 40  # of a table's 63 characters the app's name is the first part
# What the generated files import under these very names.
TAKEN_CLASSES = {"Base", "BigIntKey", "Mapped", "Schema", "Session", "String", "Text", "Timestamps"}
ENDINGS = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("s", ""))
SINGULAR_AS_IT_IS = ("ss", "us", "is", "news", "series")


class Names(NamedTuple):
    """The words that the template's files are filled in with."""

    label: str
    things: str
    thing: str
    Thing: str
    words: str
    title: str

    @classmethod
    def of(cls, label: str) -> Names:
        """Derive them all: `blog_posts` has the model BlogPost."""
        thing = _singular(label)
        model = "".join(part.capitalize() for part in thing.split("_"))
        return cls(
            label=label,
            things=label,
            thing=thing,
            Thing=f"{model}Record" if model in TAKEN_CLASSES else model,
            words=thing.replace("_", " "),
            title=label.replace("_", " ").capitalize(),
        )


def refuse_bad_name(name: str, root: Path) -> None:
    """Raise CommandError, with the mend, for what cannot become an app's name."""
    if not NAME.fullmatch(name):
        proposal = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
        hint = f", such as {proposal!r}" if NAME.fullmatch(proposal) else ", such as 'blog'"
        raise CommandError(
            f"{name!r} is not a name for an app: take lower-case letters, digits and "
            f"underscores, a letter first{hint}."
        )
    if keyword.iskeyword(name):
        raise CommandError(f"{name!r} is a word of Python's own: choose another name.")
    if len(name) > LONGEST_NAME:
        raise CommandError(f"{name!r} is longer than {LONGEST_NAME} characters: shorten it.")
    labels = {app.rpartition(".")[2] for app in installed_apps()}
    if name in labels:
        raise CommandError(f"An app called {name!r} is installed already: choose another name.")
    for path in (root / "apps" / name, root / "tests" / "apps" / name):
        if path.exists():
            raise CommandError(f"{shown(path)} exists already: choose another name or remove it.")
    if importlib.util.find_spec(name) is not None:
        raise CommandError(f"{name!r} is the name of a Python module: choose another name.")


def write_app(names: Names, root: Path) -> list[Path]:
    """Fill in the template and return the files written."""
    targets = {
        "app": root / "apps" / names.label,
        "tests": root / "tests" / "apps" / names.label,
        "factories": root / "tests" / "factories",
    }
    written = []
    for source in sorted(TEMPLATE.rglob("*.tmpl")):
        part, *inner = source.relative_to(TEMPLATE).with_suffix("").parts
        path = targets[part].joinpath(*inner)
        if path.name == "label.py":
            path = path.with_name(f"{names.label}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(source.read_text("utf-8")).substitute(names._asdict()), "utf-8")
        written.append(path)
    return written


def with_app(source: bytes, package: str) -> bytes:
    """The settings file with `package` appended to INSTALLED_APPS and all else as it was.

    Raises CommandError if they do not come out right.
    """
    changed = _appended(source, package)
    if parse_installed_apps(changed) != (*parse_installed_apps(source), package):
        raise CommandError(f"Add {package!r} to INSTALLED_APPS by hand: its form is unusual.")
    return changed


def _appended(source: bytes, package: str) -> bytes:
    lines = source.splitlines(keepends=True)
    literal = find_installed_apps(source)
    entry = f'"{package}"'.encode()
    if not literal.elts:
        return _spliced(lines, literal.lineno - 1, literal.col_offset + 1, entry + b",")
    last = literal.elts[-1]
    row, column = (last.end_lineno or 1) - 1, last.end_col_offset or 0  # `ast` counts bytes
    if literal.end_lineno == last.end_lineno:
        return _spliced(lines, row, column, b", " + entry)
    if not lines[row][column:].lstrip().startswith(b","):
        lines[row] = lines[row][:column] + b"," + lines[row][column:]
    ending = b"\r\n" if lines[row].endswith(b"\r\n") else b"\n"
    indent = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
    lines.insert(row + 1, indent + entry + b"," + ending)
    return b"".join(lines)


def _spliced(lines: list[bytes], row: int, column: int, text: bytes) -> bytes:
    lines[row] = lines[row][:column] + text + lines[row][column:]
    return b"".join(lines)


def _singular(label: str) -> str:
    if label.endswith(SINGULAR_AS_IT_IS):
        return label
    for ending, instead in ENDINGS:
        if label.endswith(ending) and len(label) > len(ending) + 1:
            return label.removesuffix(ending) + instead
    return label
