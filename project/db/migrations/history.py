"""The revisions on disk.

They are read here and not by Alembic, because loading Alembic takes a quarter of a second, which
every start of a server, every check and every `migrate` with nothing to do would pay.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from project.errors import CommandError
from project.settings import ROOT

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

VERSIONS = ROOT / "migrations" / "versions"
LIST = "`manage.py showmigrations` lists them."


class Revision(NamedTuple):
    """One migration: its id, the one before it, what it says it does, its file."""

    revision: str
    down_revision: str | None
    doc: str
    path: Path

    @property
    def title(self) -> str:
        return f"{self.revision} {self.doc}".rstrip()


def alembic_config(connection: Connection | None = None, **attributes: Any) -> Config:
    """Return the configuration, with the connection and whatever else env.py shall use.

    Raises CommandError for a file that Alembic would take for a migration.
    """
    from alembic.config import Config  # noqa: PLC0415 - see above

    _refuse_hidden()
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes.update(attributes, connection=connection)
    return config


def migration_files(folder: Path) -> list[Path]:
    """Return the migrations in a folder, by name; none where there is no folder.

    What begins with a dot is an editor's or the system's: a lock, a backup, attributes.
    """
    names = (path for path in folder.glob("*.py") if path.name[0] != ".")
    return sorted(path for path in names if path.stem != "__init__")


def hidden_files() -> list[Path]:
    """Return what Alembic would run though it is hidden; it leaves out Emacs's locks alone."""
    return [path for path in sorted(VERSIONS.glob(".*.py")) if path.name[1] != "#"]


@cache
def all_revisions() -> tuple[Revision, ...]:
    """Return every revision on disk, oldest first, read once a process.

    Raises CommandError if the history has forked, or has a gap.
    """
    paths = migration_files(VERSIONS)
    _refuse_duplicates(paths)
    found = [_read(path) for path in paths]
    after = {revision.down_revision: revision for revision in found}
    _refuse_forks(found)
    ordered: list[Revision] = []
    following = after.get(None)
    while following is not None and len(ordered) < len(found):
        ordered.append(following)
        following = after.get(following.revision)
    if len(ordered) < len(found):
        lost = next(revision for revision in found if revision not in ordered)
        raise CommandError(
            f"The history has a gap before {lost.title}: its down_revision "
            f"({lost.down_revision}) leads to no beginning."
        )
    return tuple(ordered)


def head_revision() -> str | None:
    """Return the newest revision. Raises CommandError if the history has forked."""
    revisions = all_revisions()
    return revisions[-1].revision if revisions else None


def find_revision(name: str) -> Revision:
    """Return the revision of this name (`head` is one), or the only one that begins so.

    Raises CommandError if there is none, or more than one.
    """
    revisions = all_revisions()
    if name == "head" and revisions:
        return revisions[-1]
    exact = [found for found in revisions if found.revision == name]
    found = exact or [found for found in revisions if name and found.revision.startswith(name)]
    if not found:
        raise CommandError(f"There is no revision '{name}'. {LIST}", exit_code=2)
    if len(found) > 1:
        names = ", ".join(each.revision for each in found)
        raise CommandError(f"'{name}' may be each of {names}: write it out. {LIST}", exit_code=2)
    return found[0]


def next_revision() -> str:
    """Return the number of the next migration, "0007" say."""
    head = head_revision()
    return f"{int(head) + 1 if head else 1:04d}"


def _read(path: Path) -> Revision:
    place = path.relative_to(ROOT).as_posix()
    try:
        tree = ast.parse(path.read_bytes())
        names = dict(_assignments(tree))
        before = names.get("down_revision")
        doc = (ast.get_docstring(tree, clean=False) or "").strip().partition("\n")[0]
        return Revision(str(names["revision"]), before and str(before), doc, path)
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {error.strerror}.") from error
    except SyntaxError as error:
        where = f"{place}, line {error.lineno or 1}"
        raise CommandError(
            f"SyntaxError: {error.msg} ({where}). Mend this migration, or delete it."
        ) from error
    except (ValueError, KeyError) as error:
        raise CommandError(
            f"{place} cannot be read as a migration: it needs `revision` and `down_revision`."
        ) from error


def _assignments(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield the names that are assigned to at the top, with their literals."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"}:
            yield target.id, ast.literal_eval(value)


def _refuse_hidden() -> None:
    for path in hidden_files():
        raise CommandError(
            f"{path.relative_to(ROOT).as_posix()} is hidden, and no migration: delete it, since "
            "Alembic takes it for one."
        )


def _refuse_duplicates(paths: list[Path]) -> None:
    """Two branches may each have added an 0007; Alembic would only warn and take one."""
    numbers = Counter(path.name.partition("_")[0] for path in paths if path.name[0].isdigit())
    doubles = [number for number, count in numbers.items() if count > 1]
    if doubles:
        raise CommandError(
            f"Two migrations are numbered {doubles[0]}: give the later one the next number, in "
            "its file name, in `revision`, and let its `down_revision` name the other."
        )


def _refuse_forks(revisions: list[Revision]) -> None:
    parents = Counter(revision.down_revision for revision in revisions)
    if max(parents.values(), default=1) > 1:
        heads = [found.revision for found in revisions if found.revision not in parents]
        raise CommandError(
            f"The history has several heads ({', '.join(sorted(heads))}): point the "
            "down_revision of one of them to the other."
        )
