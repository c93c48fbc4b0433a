"""What a check is, what it looks at and what it says."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import wraps
from typing import NamedTuple

from fastapi import FastAPI
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from project.application import create_application
from project.apps import Registry
from project.db.engine import create_pooled_engine
from project.db.session import Database
from project.runtime import Runtime
from project.settings import INSTALLED_APPS, Settings, load_settings

# Names the driver and no server: an engine connects when it is first used, and no check uses it.
NO_SERVER = "postgresql+psycopg://"

BLIND = "database.E004"
"""A check of the database that could not look."""

UNREACHABLE, UNSEEN = "database.E003", "database.I001"
"""The database cannot be reached: where it has to be looked at, and where it need not."""

ID = re.compile(r"\w+\.(?P<letter>[DIWEC])\d{3}")


class Level(IntEnum):
    """How bad it is; `check` fails at ERROR and above unless told otherwise."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


LEVELS = {level.name[0]: level for level in Level}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    `id` is stable, starts with the tag and holds the level's first letter (`web.W001` is a
    WARNING); `hint` says the mend and `obj` names what has the problem.
    """

    id: str
    message: str
    hint: str = ""
    obj: str = ""

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no id of a problem, such as 'web.W001'.")

    @property
    def level(self) -> Level:
        return LEVELS[self.id.rpartition(".")[2][0]]

    def __str__(self) -> str:
        place = f"{self.obj}: " if self.obj else ""
        hint = f"\n\tHINT: {self.hint}" if self.hint else ""
        return f"{place}({self.id}) {self.message}{hint}"


@dataclass(frozen=True)
class Subject:
    """What checks look at: the settings, the application built from them, and the database."""

    settings: Settings
    application: FastAPI
    connection: Connection | None = None
    """Open for those who look at the database itself; None where nobody is to look."""

    @classmethod
    def load(cls, installed_apps: tuple[str, ...] = INSTALLED_APPS) -> "Subject":
        """Build the application without a database server.

        This alone finds settings and apps that are broken, requirements out of order and
        models that do not fit together. Raises ImproperlyConfigured or AppError for them.
        """
        settings = load_settings()
        database = Database(create_pooled_engine(NO_SERVER, settings.database))
        application = create_application(settings, database=database, installed_apps=installed_apps)
        return cls(settings, application)

    @property
    def runtime(self) -> Runtime:
        runtime: Runtime = self.application.state.runtime
        return runtime

    @property
    def registry(self) -> Registry:
        return self.runtime.registry


Look = Callable[[Subject], Iterable[Problem]]


LookAtDatabase = Callable[[Subject, Connection], Iterable[Problem]]


@dataclass(frozen=True)
class Check:
    """A check with its tag, by which it can be chosen."""

    tag: str
    look: Look
    is_for_deployment: bool = False
    """Whether it is about the place where strangers come: `check --deploy` alone runs it."""

    def __call__(self, subject: Subject) -> Iterable[Problem]:
        return self.look(subject)


def check(tag: str, *, deploy: bool = False) -> Callable[[Look], Check]:
    """Make a check of a function. It is found by being in a `checks.py`; nothing is global."""

    def mark(look: Look) -> Check:
        return Check(tag, look, deploy)

    return mark


class Rule(NamedTuple):
    """What one look at the subject decides: a row of a table of checks."""

    id: str
    is_broken: Callable[[Subject], bool]
    message: str
    """May name settings: `ENVIRONMENT is {settings.environment}.`"""
    hint: str


def check_rules(tag: str, *rules: Rule, deploy: bool = False) -> Check:
    """Make one check of a table."""

    def look(subject: Subject) -> Iterator[Problem]:
        for rule in rules:
            if rule.is_broken(subject):
                yield Problem(rule.id, rule.message.format_map(vars(subject)), rule.hint)

    return Check(tag, look, deploy)


def check_database(tag: str, *, deploy: bool = False) -> Callable[[LookAtDatabase], Check]:
    """Make a check of a function that also gets a connection; without one it finds nothing."""

    def mark(look_at: LookAtDatabase) -> Check:
        @wraps(look_at)  # it is of the module that `look_at` is of
        def look(subject: Subject) -> Iterable[Problem]:
            if subject.connection is None:
                return ()
            try:
                return list(look_at(subject, subject.connection))
            except DBAPIError as error:  # no right to look there, say
                subject.connection.rollback()
                reason = str(error.orig).partition("\n")[0]
                return [Problem(BLIND, f"{look_at.__name__}: {reason}")]

        return Check(tag, look, deploy)

    return mark
