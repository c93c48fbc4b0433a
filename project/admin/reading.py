"""What the pages show of rows, read and formatted in one hop.

The cells leave the hop as plain text, so that a template never touches the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from project.admin.formats import TONES, badge, display, kind_of, shorten
from project.admin.rows import (
    identifier_of,
    select_row,
    select_rows,
    version_column,
    with_relations,
)
from project.admin.views import ModelAdmin
from project.errors import NotFound
from project.i18n import gettext
from project.web.principal import Principal


@dataclass(frozen=True)
class Cell:
    """A value on a page."""

    name: str
    text: str
    kind: str = "text"
    reference: tuple[type, str] | None = None
    """Model and identifier of the row that the value stands for."""


@dataclass(frozen=True)
class Row:
    """A row on a page."""

    identifier: str
    label: str
    cells: list[Cell]
    site_path: str | None = None
    """Where the site itself shows it."""

    own_pages: frozenset[str] = frozenset()
    """Names of the app's own pages that make sense for it."""

    actions: frozenset[str] = frozenset()
    """Names of the actions that do."""


@dataclass(frozen=True)
class Found:
    """One row as an object, its version, and as it is shown."""

    row: Any
    version: str
    shown: Row
    references: Mapping[str, Any] = field(default_factory=dict)


def fetch_row(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str, names: list[str]
) -> Found:
    """Read one row, its version, and the columns that the page shows. Raises NotFound."""
    statement = select_row(view, principal, identifier).options(*with_relations(view, names))
    found = session.execute(statement.add_columns(version_column(view))).one_or_none()
    if found is None:
        raise NotFound
    row, version = found
    relations = [name for name in names if name in view.mapper.relationships]
    references = {name: getattr(row, name) for name in relations}
    shown = replace(
        describe_row(view, row, names),
        site_path=view.site_path(row),
        own_pages=view.pages_for(row),
        actions=view.actions_on(row),
    )
    return Found(row, version, shown, references)


def fetch_labels(
    session: Session, view: ModelAdmin, principal: Principal, identifiers: Sequence[str]
) -> list[Row]:
    """Read how some rows are called. Raises NotFound if one of them is missing."""
    rows = session.scalars(select_rows(view, principal, identifiers)).all()
    if len(rows) != len(set(identifiers)):
        raise NotFound
    return [describe_row(view, row, []) for row in rows]


def describe_row(view: ModelAdmin, row: Any, names: list[str], *, is_list: bool = False) -> Row:
    """Format a row's columns."""
    cells = [_describe(view, row, name, is_list=is_list) for name in names]
    return Row(identifier_of(row), str(row), cells)


def _describe(view: ModelAdmin, row: Any, name: str, *, is_list: bool) -> Cell:
    method = view.method_of(name)
    if method is not None:
        return Cell(name, display(method(row)))
    value: Any = row
    for part in name.split("."):
        value = None if value is None else getattr(value, part)
    formatter = view.formatter_of(name, is_list=is_list)
    if formatter is not None:
        return Cell(name, display(formatter(row, name)))
    shown = _shown(view, name, value)
    reference = None
    if name in view.mapper.relationships and value is not None:
        reference = (type(value), identifier_of(value))
    kind = "id" if view.mapper.has_property(name) and _is_key(view, name) else kind_of(value)
    return Cell(name, shorten(shown) if is_list else shown, kind, reference)


def _shown(view: ModelAdmin, name: str, value: Any) -> str:
    labels = view.choices_of(name)
    text = value.name if isinstance(value, Enum) else value
    if labels and text in labels:
        return badge(gettext(labels[text]), list(labels).index(text) % TONES)
    if isinstance(value, int) and not isinstance(value, bool) and view.is_reference(name):
        return str(value)  # a number that names something has no thousands
    return display(value)


def _is_key(view: ModelAdmin, name: str) -> bool:
    return name in {column.key for column in view.mapper.primary_key}
