"""Writing a new app from its template, and enrolling it in INSTALLED_APPS.

The template is a real app that is laid over the project's root: ruff and mypy look at it where
it lies, and no folder of it is a package of `project`. Its words become those of the new app.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import keyword
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from project.errors import CommandError
from project.management.catalogue import (
    find_installed_apps,
    installed_apps,
    parse_installed_apps,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

TEMPLATE = Path(__file__).parent / "app_template"
SAMPLE = "sample_things"
OWNERS = "apps.users"
NAME = re.compile(r"[a-z][a-z0-9_]*")
MIGRATE_WORDS = frozenset({"base", "zero", "head", "heads"})
"""What `migrate` takes for a revision, and would not take for an app."""

LONGEST_NAME = 30  # twice a part of a table's name, which has 63 characters at most
ENDINGS = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("s", ""))
SINGULAR_AS_IT_IS = ("ss", "us", "is", "news", "series")
CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

SCENARIO = (f"loadtests/scenarios/{SAMPLE}.py",)
PARTS = {
    "admin": (f"apps/{SAMPLE}/admin.py", f"tests/apps/{SAMPLE}/test_admin.py"),
    # A load scenario speaks to the API.
    "api": (
        f"apps/{SAMPLE}/api/",
        f"tests/apps/{SAMPLE}/test_api_v1.py",
        f"tests/apps/{SAMPLE}/authorisation.py",
        *SCENARIO,
    ),
    "scenario": SCENARIO,
}
"""What an app may do without, and where it lies in the template."""


class Names(NamedTuple):
    """The words that the template's own are replaced by."""

    label: str
    thing: str
    Things: str
    Thing: str

    @classmethod
    def of(cls, label: str) -> Names:
        """Derive them all: `blog_posts` has the model BlogPost."""
        thing = _singular(label)
        is_taken = {thing, _camel(thing), _camel(label)} & _taken_names()
        ending = "_record" if is_taken else ""
        return cls(label, thing + ending, _camel(label + ending), _camel(thing + ending))

    def fill_in(self, text: str) -> str:
        """Put these words in the place of the template's."""
        words = self._by_sample()
        return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], text)

    def _by_sample(self) -> dict[str, str]:
        """Each word of the template, the longer before those that it begins with."""
        return {
            # A permission is named after the model's class, which may say less than the label.
            f"{SAMPLE}.change_sample_thing": f"{self.label}.change_{self._parts('_')}",
            f"{SAMPLE}.delete_sample_thing": f"{self.label}.delete_{self._parts('_')}",
            SAMPLE: self.label,
            "sample_thing": self.thing,
            "sample things": self.label.replace("_", " "),
            "Sample things": self.label.replace("_", " ").capitalize(),
            "sample thing": self.thing.replace("_", " "),
            "sample-thing": self._parts("-"),  # as SQLAdmin writes it
            "SampleThings": self.Things,
            "SampleThing": self.Thing,
        }

    def _parts(self, separator: str) -> str:
        """Write the class's name in lower case: OrderLine is order_line, or order-line."""
        return CAPITALS.sub(separator, self.Thing).lower()


def refuse_bad_name(name: str, root: Path) -> None:
    """Raise CommandError, with the mend, for what cannot become an app's name."""
    problem = _unusable(name) or _taken(name, root)
    if problem:
        raise CommandError(f"{problem}.", exit_code=2)


def _unusable(name: str) -> str:
    """Say why no project could have an app of this name; nothing if one could."""
    if not NAME.fullmatch(name):
        proposal = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
        hint = f", such as {proposal!r}" if NAME.fullmatch(proposal) else ", such as 'blog'"
        return (
            f"{name!r} is not a name for an app: take lower-case letters, digits and "
            f"underscores, a letter first{hint}"
        )
    if keyword.iskeyword(name):
        return f"{name!r} is a word of Python's own: choose another name"
    if name in MIGRATE_WORDS:
        return f"{name!r} is a revision to `migrate`: choose another name"
    if len(name) > LONGEST_NAME:
        return f"{name!r} is longer than {LONGEST_NAME} characters: shorten it"
    if name == SAMPLE:
        return f"{name!r} is what the template is called: choose another name"
    return ""


def _taken(name: str, root: Path) -> str:
    """Say who has this name already; nothing if nobody has."""
    if name in {app.rpartition(".")[2] for app in installed_apps()}:
        return f"An app called {name!r} is installed already: choose another name"
    for place in (f"apps/{name}", f"tests/apps/{name}", *_own_files(name)):
        path = root / place
        if path.exists():
            return f"{shown(path)} exists already: choose another name or remove it"
    if importlib.util.find_spec(name) is not None:
        return f"{name!r} is the name of a Python module: choose another name"
    return ""


def refuse_missing_accounts() -> None:
    """Raise CommandError where there is nobody to own what the template's app keeps."""
    if OWNERS not in installed_apps():
        raise CommandError(
            f"What a new app keeps belongs to accounts, but {OWNERS!r} is not installed: "
            "add it to INSTALLED_APPS, or write the app by hand (apps/README.md)."
        )


def write_app(names: Names, root: Path, *, without: Collection[str] = ()) -> list[Path]:
    """Fill in the template and return the files written; `without` names PARTS."""
    left_out = tuple(place for part in without for place in PARTS[part])
    written = []
    for source in _sources():
        place = source.relative_to(TEMPLATE).as_posix()
        if place.startswith(left_out):
            continue
        path = root / names.fill_in(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(names.fill_in(source.read_text("utf-8")), "utf-8")
        written.append(path)
    return written


def _sources() -> Iterator[Path]:
    return (path for path in sorted(TEMPLATE.rglob("*.py")) if path.is_file())


def _own_files(label: str) -> list[str]:
    """The files that land in folders of others."""
    places = [path.relative_to(TEMPLATE).as_posix() for path in _sources()]
    return [place.replace(SAMPLE, label) for place in places if f"{SAMPLE}/" not in place]


@cache
def _taken_names() -> frozenset[str]:
    """What the template's code calls something else: a model of that name would hide it."""
    names = {*dir(builtins), *keyword.kwlist}
    for source in _sources():
        for node in ast.walk(ast.parse(source.read_bytes())):
            names.update(_bound_by(node))
    return frozenset(names)


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield name
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


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


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _singular(label: str) -> str:
    if label.endswith(SINGULAR_AS_IT_IS):
        return label
    for ending, instead in ENDINGS:
        if label.endswith(ending) and len(label) > len(ending) + 1:
            return label.removesuffix(ending) + instead
    return label
