"""What a list loads of its rows: the columns that it shows, and what they refer to."""

from typing import Any

from sqlalchemy import ARRAY, JSON, LargeBinary, String, Text, inspect
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Load, Mapper, defer, joinedload, selectinload

from project.admin.rows import without_secrets
from project.admin.views import ModelAdmin, is_secret

LONG_TEXT = 500
"""Texts that may be longer than this are left unread, unless they are shown."""


def load_for_list(view: ModelAdmin) -> list[Any]:
    """Return the options of a list's statement: no statement per row, nothing large in vain.

    What is left unread is read when a formatter or `__str__` asks for it after all.
    """
    names = view.list_columns
    shown = {*names, *(column.key for column in view.mapper.primary_key)}
    large = [
        defer(getattr(view.model, key))
        for key in _large(view.mapper)
        if key not in shown and not is_secret(key)
    ]
    return [*without_secrets(view), *large, *_relations(view.model, names)]


def _relations(model: type, names: list[str]) -> list[Any]:
    """Load related rows along with the page: it is a page long, so a join costs next to nothing."""
    options = []
    for name in names:
        option: Any = None
        target: Any = model
        for part in name.split("."):
            if part not in inspect(target).relationships:
                break
            attribute = getattr(target, part)
            load: Any = selectinload if attribute.property.uselist else joinedload
            option = load(attribute) if option is None else _further(option, attribute)
            target = attribute.property.mapper.class_
        if option is not None:
            options += [option, *_left_out(option, inspect(target), name)]
    return options


def _further(option: Load, attribute: Any) -> Load:
    is_many = attribute.property.uselist
    return option.selectinload(attribute) if is_many else option.joinedload(attribute)


def _left_out(option: Load, mapper: Mapper[Any], name: str) -> list[Load]:
    wanted = name.rpartition(".")[2]
    secrets = [key for key in mapper.column_attrs.keys() if is_secret(key)]  # noqa: SIM118
    large = [key for key in _large(mapper) if key != wanted and key not in secrets]
    return [
        *(option.defer(getattr(mapper.class_, key), raiseload=True) for key in secrets),
        *(option.defer(getattr(mapper.class_, key)) for key in large),
    ]


def _large(mapper: Mapper[Any]) -> list[str]:
    return [prop.key for prop in mapper.column_attrs if _is_large(prop.columns[0])]


def _is_large(column: Any) -> bool:
    if isinstance(column.type, LargeBinary | JSON | ARRAY | TSVECTOR):
        return True
    is_text = isinstance(column.type, String)
    return isinstance(column.type, Text) or (is_text and (column.type.length or 0) > LONG_TEXT)


def load_alias(target: Any) -> list[Any]:
    """Return the options for a related row that is joined by hand: what names it, and no more."""
    mapper = inspect(target).mapper
    secrets = [key for key in mapper.column_attrs.keys() if is_secret(key)]  # noqa: SIM118
    large = [key for key in _large(mapper) if key not in secrets]
    return [
        *(defer(getattr(target, key), raiseload=True) for key in secrets),
        *(defer(getattr(target, key)) for key in large),
    ]
