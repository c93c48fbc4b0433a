"""What the database would say of a form that is wrong already, so that all is said at once.

Fields are looked at by the form, then by the app's service, then by the database, and the last two
stop at their first mistake. Here the rest is asked: references that lead nowhere, and values that
another row has. It is a courtesy: what is written is looked at by the database in any case.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import UniqueConstraint, and_, exists, not_, select
from sqlalchemy.orm import Session
from wtforms import Field

from project.admin import writing
from project.admin.forms import ReferenceField
from project.admin.mistakes import explain_duplicate
from project.admin.objects.saving import Opened
from project.admin.views import ModelAdmin, Values
from project.web.principal import Principal


def foresee(session: Session, view: ModelAdmin, principal: Principal, opened: Opened) -> None:
    """Add the mistakes that only the database knows of, to fields that have none yet."""
    values: Values = {} if opened.found is None else dict(vars(opened.found.row))
    for field in opened.form:
        for name in _columns_of(view, field):
            if not writing.is_kept(field):
                values.pop(name, None)
        if not field.errors and not writing.is_kept(field):
            values |= _resolved(session, view, principal, opened, field)
    for columns in _unique(view):
        mistake = explain_duplicate(columns, view)
        field = opened.form._fields.get(mistake.field)
        if field is None or field.errors or writing.is_kept(field):
            continue
        if _is_taken(session, view, columns, values, opened):
            field.errors = [*field.errors, mistake.sentence]


def _columns_of(view: ModelAdmin, field: Field) -> list[str]:
    relation = view.mapper.relationships.get(field.name)
    if relation is None:
        return [field.name]
    return [view.mapper.get_property_by_column(column).key for column in relation.local_columns]


def _resolved(
    session: Session, view: ModelAdmin, principal: Principal, opened: Opened, field: Field
) -> Values:
    """Return what a field says of columns; a reference that leads nowhere is a mistake of its."""
    is_known = isinstance(field, ReferenceField) or field.name in view.mapper.column_attrs
    typed = {field.name: field.data} if is_known else {}
    try:
        return writing.resolve(session, view, principal, opened.form, typed)
    except writing.FieldMistake as mistake:
        field.errors = [*field.errors, mistake.detail]
        return {}


def _unique(view: ModelAdmin) -> Iterator[UniqueConstraint]:
    return (rule for rule in view.table.constraints if isinstance(rule, UniqueConstraint))


def _is_taken(
    session: Session, view: ModelAdmin, rule: UniqueConstraint, values: Values, opened: Opened
) -> bool:
    names = {column: view.mapper.get_property_by_column(column).key for column in rule.columns}
    if any(values.get(name) is None for name in names.values()):
        return False  # not known, or nothing: which no rule compares
    same: list[Any] = [column == values[name] for column, name in names.items()]
    if opened.found is not None:
        key = view.mapper.primary_key_from_instance(opened.found.row)
        own = zip(view.mapper.primary_key, key, strict=True)
        same.append(not_(and_(*(column == value for column, value in own))))
    return bool(session.scalar(select(exists().where(*same))))
