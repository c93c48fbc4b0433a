"""Which revision somebody means who types `migrate [app] [revision]`."""

import re
from typing import NamedTuple

from sqlalchemy import Connection

from project.apps import Registry
from project.db.migrations import (
    all_revisions,
    current_revision,
    find_revision,
    head_revision,
    pending_revisions,
)
from project.errors import CommandError
from project.management.environment import find_app
from project.settings import INSTALLED_APPS

RELATIVE = re.compile(r"[+-]\d+")
NOTHING = {"base", "zero"}
"""Alembic's and Django's word for a database without any migration."""


class Target(NamedTuple):
    """Where to go, and what lies between: the revisions to apply, or to take back, in order."""

    revision: str | None
    before: str | None
    to_apply: list[str]
    to_take_back: list[str]


def split_words(words: list[str]) -> tuple[str | None, str]:
    """Tell the app's label, if there is one, from the revision.

    Raises CommandError when there are two words and the first is not an installed app.
    """
    labels = {app.label for app in Registry.load(INSTALLED_APPS)}
    if len(words) > 1 or (words and words[0] in labels):
        label, revision = words[0], words[1] if len(words) > 1 else "head"
        find_app(Registry.load(INSTALLED_APPS), label)
        return label, revision
    return None, words[0] if words else "head"


def find_target(connection: Connection, word: str) -> Target:
    """Find the revision and the way to it. Raises CommandError, with the mend."""
    pending = pending_revisions(connection)
    before = current_revision(connection)
    connection.rollback()
    known = [found.revision for found in all_revisions()]
    applied = [revision for revision in known if revision not in pending]
    goal = _resolve(word, applied, pending)
    forward = pending[: pending.index(goal) + 1] if goal in pending else []
    kept = applied.index(goal) + 1 if goal in applied else 0
    back = [] if forward else applied[kept:][::-1]
    return Target(goal, before, forward, back)


def describe(revision: str) -> str:
    """Return a revision's id and what it says it does."""
    return find_revision(revision).title


def refuse_backwards(label: str, target: Target) -> None:
    """Raise CommandError where an app's label would take back what belongs to all apps."""
    if target.to_take_back:
        word = target.revision or "zero"
        lost = ", ".join(describe(revision) for revision in target.to_take_back)
        raise CommandError(
            f"One history holds all apps: '{label} {word}' would take back {lost}. To do that, "
            f"leave the label out; `manage.py uninstallapp {label}` drops one app's tables."
        )


def _resolve(word: str, applied: list[str], pending: list[str]) -> str | None:
    if word in NOTHING:
        return None
    if word in {"head", "heads"}:
        return head_revision()
    if RELATIVE.fullmatch(word):
        return _relative(int(word), applied, pending)
    return find_revision(word).revision


def _relative(steps: int, applied: list[str], pending: list[str]) -> str | None:
    ways = len(pending) if steps > 0 else len(applied)
    if abs(steps) > ways:
        raise CommandError(
            f"There are {ways} migrations in that direction, not {abs(steps)}. "
            "`manage.py showmigrations` lists them.",
            exit_code=2,
        )
    place = len(applied) + steps
    return [*applied, *pending][place - 1] if place else None
