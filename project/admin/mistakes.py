"""What went wrong while saving, as a sentence for the person who pressed the button."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Table
from sqlalchemy.exc import DBAPIError

from project.admin.bounds import bounds_of, comparisons
from project.admin.views import ModelAdmin
from project.db.errors import diagnose
from project.errors import DomainError
from project.i18n import and_list, gettext, mark, noun

UNIQUE, NOT_NULL, CHECK, EXCLUSION = "23505", "23502", "23514", "23P01"
FOREIGN_KEY = ("23503", "23001")

SENTENCES = {
    "22001": (mark("A text is too long."), 400),
    "22003": (mark("A number is too large or too small."), 400),
    "22007": (mark("A date or time has not the form that is needed."), 400),
    "22008": (mark("A date or time is beyond what can be stored."), 400),
    "22021": (mark("A text holds a character that cannot be stored."), 400),
    "22P02": (mark("A value has not the form that is needed."), 400),
    "22P05": (mark("A text holds a character that cannot be stored."), 400),
    "40001": (mark("Somebody else changed the same data at the same moment; try again."), 503),
    "40P01": (mark("Somebody else changed the same data at the same moment; try again."), 503),
    "42501": (mark("The database does not allow this."), 403),
    "44000": (mark("This breaks a rule of the data."), 400),
    "55P03": (mark("Somebody else is changing this right now; try again in a moment."), 503),
    "P0001": (
        mark("A rule of the database refuses this."),
        400,
    ),  # a trigger's RAISE; its text may hold values
}
"""What is said the same of every table. A trigger may name a column: RAISE … USING COLUMN."""


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
        return Mistake(
            getattr(error, "field", None), _sentence(gettext(error.detail)), error.status
        )
    if isinstance(error, DBAPIError):
        diagnostics = getattr(error.orig, "diag", None)
        sqlstate = getattr(error.orig, "sqlstate", None)
        specific = _explain_specifically(sqlstate, diagnostics, view)
        if specific is not None:
            return specific
    diagnosis = diagnose(error)
    if diagnosis is None:
        return None
    return Mistake(None, _sentence(gettext(diagnosis.error.title)), diagnosis.error.status)


def _explain_specifically(sqlstate: str | None, found: Any, view: ModelAdmin) -> Mistake | None:
    if found is None or sqlstate is None:
        return None
    if sqlstate in SENTENCES:
        sentence, status = SENTENCES[sqlstate]
        return Mistake(_field_of(view, found.column_name), gettext(sentence), status)
    is_own = found.table_name == view.table.name
    if sqlstate in FOREIGN_KEY:
        return _explain_reference(found, view) if is_own else _explain_dependants(found, view)
    if sqlstate in {UNIQUE, EXCLUSION} and not is_own:
        others = view.name_of_table(found.table_name)
        return Mistake(None, gettext("%(others)s have one like this already.", others=others), 409)
    explain_own = OWN.get(sqlstate)
    return explain_own(found, view) if is_own and explain_own is not None else None


def _explain_dependants(found: Any, view: ModelAdmin) -> Mistake:
    others = view.name_of_table(found.table_name)
    return Mistake(
        None, gettext("%(others)s still refer to this, so nothing was deleted.", others=others), 409
    )


def _explain_reference(found: Any, view: ModelAdmin) -> Mistake:
    """A row refers to what is gone; or, within one table, another row refers to this one."""
    constraint = _constraint(view.table, found.constraint_name)
    if isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table is view.table:
        sentence = gettext("Another one still refers to this, or this refers to what is gone.")
        return Mistake(None, sentence, 409)
    return Mistake(_first_field(view, constraint), gettext("What this refers to is gone."), 409)


def _explain_duplicate(found: Any, view: ModelAdmin) -> Mistake:
    return explain_duplicate(_constraint(view.table, found.constraint_name), view)


def explain_duplicate(constraint: Any | None, view: ModelAdmin) -> Mistake:
    """Say that another row has what a rule wants to be there once."""
    names = _fields(view, constraint)
    if sentence := sentence_of(constraint):
        return Mistake(names[0] if names else None, sentence, 409)
    if len(names) > 1:
        sentence = gettext(
            "Another %(name)s has the same %(columns)s already.",
            name=noun(view.name),
            columns=and_list([noun(view.label_of(name)) for name in names]),
        )
    else:
        sentence = gettext("Another %(name)s has this already.", name=noun(view.name))
    return Mistake(_first_field(view, constraint), sentence, 409)


def _explain_overlap(found: Any, view: ModelAdmin) -> Mistake:
    constraint = _constraint(view.table, found.constraint_name)
    overlaps = gettext("This overlaps with another %(name)s.", name=noun(view.name))
    sentence = sentence_of(constraint) or overlaps
    return Mistake(_first_field(view, constraint), sentence, 409)


def _explain_empty(found: Any, view: ModelAdmin) -> Mistake:
    return Mistake(_field_of(view, found.column_name), gettext("This must not be empty."), 400)


def _explain_rule(found: Any, view: ModelAdmin) -> Mistake:
    table = view.table
    rule = (found.constraint_name or "").removeprefix(f"ck_{table.name}_")
    column = next((column.key for column in table.columns if rule.startswith(column.key)), None)
    sentence = gettext("This breaks a rule of the data.")
    constraint = _constraint(table, found.constraint_name)
    if said := sentence_of(constraint):
        return Mistake(_field_of(view, column), said, 400)
    compared = (
        {name for name, _, _ in comparisons(constraint)}
        if isinstance(constraint, CheckConstraint)
        else set()
    )
    if len(compared) == 1 and (known := table.columns.get(compared.pop())) is not None:
        return Mistake(_field_of(view, known.key), bounds_of(known).sentence(), 400)
    if rule:
        named = gettext(rule.replace("_", " "))
        sentence = gettext("This breaks a rule of the data: %(rule)s.", rule=named)
    return Mistake(_field_of(view, column), sentence, 400)


def sentence_of(constraint: Any | None) -> str:
    """Return what an app has said about a rule of its table, in the reader's language.

    CheckConstraint("ends_at > begins_at", name="ends_later",
                    info={"sentence": mark("The end is after the beginning.")})
    """
    said = None if constraint is None else constraint.info.get("sentence")
    return gettext(said) if said else ""


OWN: dict[str, Callable[[Any, ModelAdmin], Mistake]] = {
    UNIQUE: _explain_duplicate,
    EXCLUSION: _explain_overlap,
    NOT_NULL: _explain_empty,
    CHECK: _explain_rule,
}
"""What PostgreSQL says of the very table that the view shows."""


def _constraint(table: Table, name: str | None) -> Any | None:
    candidates: list[Any] = [*table.constraints, *table.indexes]
    return next((candidate for candidate in candidates if name and candidate.name == name), None)


def _fields(view: ModelAdmin, constraint: Any | None) -> list[str]:
    columns = [] if constraint is None else list(constraint.columns)
    found = (_field_of(view, column.name) for column in columns)
    return [name for name in found if name is not None]


def _first_field(view: ModelAdmin, constraint: Any | None) -> str | None:
    return next(iter(_fields(view, constraint)), None)


def _field_of(view: ModelAdmin, column: str | None) -> str | None:
    """Return what a form calls a column: a foreign key is filled in as what it refers to."""
    known = view.table.columns.get(column) if column else None
    if known is None:
        return None
    for relation in view.mapper.relationships:
        if relation.key in view.lookups and known in relation.local_columns:
            return relation.key
    key: str = view.mapper.get_property_by_column(known).key
    return key


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
