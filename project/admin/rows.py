"""Finding rows by what stands in an address or in a form."""

from collections.abc import Sequence
from typing import Any

from sqladmin.helpers import get_object_identifier, object_identifier_values
from sqlalchemy import Integer, Select, String, cast, inspect, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session, defer, selectinload
from wtforms import Form

from project.admin.forms import ReferenceField, lookup_columns
from project.admin.lists.search import escape_wildcards
from project.admin.radios import MOST, RowRadioField
from project.admin.views import ModelAdmin, is_secret
from project.db.base import MAXIMUM_ID
from project.errors import NotFound
from project.web.principal import Principal

SUGGESTIONS = 10


def identify(model: type, identifier: str) -> tuple[Any, ...] | None:
    """Read the primary key out of an address; None for what can be nobody's."""
    try:
        values = object_identifier_values(identifier, model)
    except (ValueError, TypeError, ArithmeticError):
        return None
    columns: tuple[Any, ...] = inspect(model).primary_key
    for column, value in zip(columns, values, strict=True):
        if isinstance(column.type, Integer) and not -MAXIMUM_ID <= value <= MAXIMUM_ID:
            return None
        if isinstance(value, str) and "\0" in value:
            return None
    return values


def identifier_of(row: Any) -> str:
    """Return what names this row in addresses."""
    return str(get_object_identifier(row))


def select_row(view: ModelAdmin, principal: Principal, identifier: str) -> Select[Any]:
    """Select one of the rows that somebody may see; its hidden columns stay in the database.

    Raises NotFound for what can be nobody's identifier.
    """
    key = identify(view.model, identifier)
    if key is None or not _is_canonical(key, identifier):
        raise NotFound
    columns = view.mapper.primary_key
    conditions = [column == value for column, value in zip(columns, key, strict=True)]
    rows = view.rows_for(principal, select(view.model))
    return rows.where(*conditions).options(*without_secrets(view))


def _is_canonical(key: tuple[Any, ...], identifier: str) -> bool:
    """Whether numbers are written as our own links write them: a row has one address, not `01`."""
    parts = identifier.split(";") if len(key) > 1 else [identifier]
    return all(str(part) in parts for part in key if type(part) is int)


def select_rows(view: ModelAdmin, principal: Principal, identifiers: Sequence[str]) -> Select[Any]:
    """Select some of the rows that somebody may see, in the order of their keys.

    The same order for everybody: two who lock the same rows do not wait for each other. Raises
    NotFound for what can be nobody's identifier.
    """
    keys = [identify(view.model, identifier) for identifier in identifiers]
    if None in keys:
        raise NotFound
    columns = view.mapper.primary_key
    rows = view.rows_for(principal, select(view.model)).where(tuple_(*columns).in_(keys))
    return rows.order_by(*columns).options(*without_secrets(view))


def without_secrets(view: ModelAdmin) -> list[Any]:
    """Return the options that leave secret columns unread."""
    return [
        defer(getattr(view.model, name), raiseload=True)
        for name in view.mapper.column_attrs.keys()  # noqa: SIM118 - no dict
        if is_secret(name)
    ]


def with_relations(view: ModelAdmin, names: list[str]) -> list[Any]:
    """Return the options that load the relations which these columns name, all at once."""
    options = []
    for name in (name for name in names if view.method_of(name) is None):
        model, option = view.model, None
        for part in name.split("."):
            attribute = getattr(model, part)
            if part not in inspect(model).relationships:
                break
            option = option.selectinload(attribute) if option else selectinload(attribute)
            model = attribute.property.mapper.class_
        if option is not None:
            options.append(option)
    return options


def version_column(view: ModelAdmin) -> Any:
    """Return PostgreSQL's own mark of the row's version; every change gives it another."""
    return cast(literal_column(f"{view.table.name}.xmin"), String)


def find_reference(
    session: Session, view: ModelAdmin, principal: Principal, field: ReferenceField
) -> Any | None:
    """Find the row that was typed into a field: `label #id`, an id, or a unique value.

    Only among those that the field's lookup would have suggested.
    """
    text = (field.data or "").strip()
    model = field.loader.model
    offered = view.references_for(principal, model)
    key = identify(model, text.rpartition("#")[2].strip())
    if key is not None:
        columns: tuple[Any, ...] = inspect(model).primary_key
        named = [column == value for column, value in zip(columns, key, strict=True)]
        row = session.scalars(offered.where(*named)).one_or_none()
        if row is not None:
            return row
    if "\0" in text:
        return None
    matches = [cast(column, String) == text for column in lookup_columns(field.loader)]
    rows: Sequence[Any] = session.scalars(offered.where(or_(*matches)).limit(2)).all()
    return rows[0] if len(rows) == 1 else None


def name_reference(row: Any) -> str:
    """Return what a field shows for a row; `find_reference` reads it back."""
    return f"{row} #{identifier_of(row)}"


def offer_rows(session: Session, view: ModelAdmin, principal: Principal, form: Form) -> None:
    """Give a button to each row that somebody may see, where a form has buttons for rows."""
    for field in form:
        if isinstance(field, RowRadioField) and view.may_see(principal, field.loader.model):
            columns = lookup_columns(field.loader)
            offered = view.references_for(principal, field.loader.model).order_by(*columns)
            rows = session.scalars(offered.limit(MOST + 1))
            field.offer([(name_reference(row), str(row)) for row in rows])


def suggest_references(
    session: Session, view: ModelAdmin, principal: Principal, name: str, term: str
) -> list[str]:
    """Return some rows whose lookup fields hold the term. Raises NotFound for a wrong name."""
    loader = view.lookups.get(name)
    if loader is None:
        raise NotFound
    offered = view.references_for(principal, loader.model)
    return suggest_rows(session, offered, lookup_columns(loader), term)


def suggest_rows(
    session: Session, offered: Select[Any], columns: Sequence[Any], term: str
) -> list[str]:
    """Return some of the offered rows, those that have the term in one of these columns."""
    pattern = f"%{escape_wildcards(term)}%"
    matches = [cast(column, String).ilike(pattern, escape="\\") for column in columns]
    ordered = offered.where(or_(*matches)).order_by(*columns).limit(SUGGESTIONS)
    return [name_reference(row) for row in session.scalars(ordered)]
