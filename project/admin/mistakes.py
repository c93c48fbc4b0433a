"""What went wrong while saving, as a sentence for the person who pressed the button."""

from typing import Any, NamedTuple

from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.exc import DBAPIError

from project.admin.views import ModelAdmin
from project.db.errors import diagnose
from project.errors import DomainError

UNIQUE, NOT_NULL, CHECK = "23505", "23502", "23514"
FOREIGN_KEY = ("23503", "23001")


class Mistake(NamedTuple):
    """A sentence, the field that it belongs to (or None: the whole form), and the status."""

    field: str | None
    sentence: str
    status: int


def explain(error: Exception, view: ModelAdmin) -> Mistake | None:
    """Say what an error means; None if it is a bug of ours rather than a fact of life.

    No SQL, no value and no name of a constraint gets onto the page.
    """
    if isinstance(error, DomainError):
        return Mistake(getattr(error, "field", None), _sentence(error.detail), error.status)
    if isinstance(error, DBAPIError):
        diagnostics = getattr(error.orig, "diag", None)
        sqlstate = getattr(error.orig, "sqlstate", None)
        specific = _explain_constraint(sqlstate, diagnostics, view)
        if specific is not None:
            return specific
    diagnosis = diagnose(error)
    if diagnosis is None:
        return None
    return Mistake(None, _sentence(diagnosis.error.title), diagnosis.error.status)


def _explain_constraint(sqlstate: str | None, diagnostics: Any, view: ModelAdmin) -> Mistake | None:
    table = view.table
    if diagnostics is None or sqlstate is None:
        return None
    if sqlstate in FOREIGN_KEY and diagnostics.table_name != table.name:
        others = view.name_of_table(diagnostics.table_name)
        return Mistake(None, f"{others} still refer to this, so nothing was deleted.", 409)
    if sqlstate == UNIQUE:
        column = _unique_column(table, diagnostics.constraint_name)
        sentence = f"Another {view.name.lower()} has this already."
        return Mistake(column, sentence, 409)
    if sqlstate == NOT_NULL:
        return Mistake(diagnostics.column_name, "This must not be empty.", 400)
    if sqlstate == CHECK:
        rule = (diagnostics.constraint_name or "").removeprefix(f"ck_{table.name}_")
        column = next((column.key for column in table.columns if rule.startswith(column.key)), None)
        return Mistake(column, f"This breaks a rule of the data: {rule.replace('_', ' ')}.", 400)
    return None


def _unique_column(table: Table, constraint: str | None) -> str | None:
    candidates: list[Any] = [*table.constraints, *table.indexes]
    for candidate in candidates:
        is_unique = isinstance(candidate, UniqueConstraint) or getattr(candidate, "unique", False)
        if is_unique and candidate.name == constraint:
            return str(next(iter(candidate.columns)).key)
    return None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
