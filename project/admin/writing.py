"""What the forms change: each in one hop and one transaction, committed before the answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import BooleanField, Field, Form, StringField

from project.admin.forms import CheckboxesField, ReferenceField
from project.admin.reading import Found, fetch_row
from project.admin.rows import (
    find_reference,
    identifier_of,
    name_reference,
    select_row,
    version_column,
)
from project.admin.views import ModelAdmin, Values
from project.errors import Conflict, Invalid, NotFound
from project.web.principal import Principal


class ChangedMeanwhile(Conflict):
    """Somebody else changed the row after the form was shown. Carries what they left."""

    code = "changed_meanwhile"
    title = "Somebody else changed this while you were editing"

    def __init__(self, version: str, theirs: Mapping[str, str]) -> None:
        super().__init__()
        self.version = version
        self.theirs = theirs


class FieldMistake(Invalid):
    """A value of one field is wrong, which only the database could tell."""

    code = "wrong_value"
    title = "A value is wrong"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def show_form(view: ModelAdmin, row: Any, references: Mapping[str, Any]) -> Form:
    """Build the form that shows a row as it is."""
    form_class = view.form_class_for_edit
    data: dict[str, Any] = {}
    for name, field in form_class(data={})._fields.items():
        if isinstance(field, ReferenceField):
            target = references.get(name)
            data[name] = "" if target is None else name_reference(target)
        elif name in view.mapper.column_attrs:
            data[name] = getattr(row, name)
    return form_class(data=data)


def columns_of(view: ModelAdmin, form_class: type[Form]) -> list[str]:
    """Name the form's fields that are columns or relations of the model."""
    return [name for name in form_class()._fields if view.mapper.has_property(name)]


def drop_unsent(form: Form, sent: FormData) -> None:
    """Leave what was not sent as it is; only a box that is not ticked is sent by silence."""
    for name, field in list(form._fields.items()):
        if name not in sent and not isinstance(field, BooleanField):
            del form[name]


def open_empty(
    session: Session, view: ModelAdmin, principal: Principal, sent: FormData | None
) -> Form:
    """Build the form of a new row, empty or as it was sent, for whoever sees it."""
    view.authorise(session, principal, "add", None, {})
    form = view.form_class_for_create() if sent is None else view.form_class_for_create(sent)
    view.adapt_form(session, form, principal, None)
    return form


def open_row(
    session: Session,
    view: ModelAdmin,
    principal: Principal,
    identifier: str,
    sent: FormData | None,
) -> tuple[Found, Form]:
    """Read a row and build its form, as the row is or as it was sent, for whoever sees it."""
    names = columns_of(view, view.form_class_for_edit)
    found = fetch_row(session, view, principal, identifier, names)
    view.authorise(session, principal, "change", found.row, {})
    if sent is None:
        return found, _show_to(session, view, principal, found)
    form = view.form_class_for_edit(sent)
    view.adapt_form(session, form, principal, found.row)
    drop_unsent(form, sent)
    return found, form


def _show_to(session: Session, view: ModelAdmin, principal: Principal, found: Found) -> Form:
    form = show_form(view, found.row, found.references)
    view.adapt_form(session, form, principal, found.row)
    return form


def create(
    session: Session, view: ModelAdmin, principal: Principal, form: Form, values: Values
) -> str:
    """Make a row and return its identifier."""
    values = _resolve(session, view, principal, form, values)
    view.authorise(session, principal, "add", None, values)
    values = {name: value for name, value in values.items() if not _is_default(view, name, value)}
    row = view.create_row(session, values)
    session.flush()  # the identifier, and what the database has to say
    return identifier_of(row)


def update(
    session: Session,
    view: ModelAdmin,
    identifier: str,
    form: Form,
    values: Values,
    *,
    principal: Principal,
    version: str,
) -> None:
    """Change a row: lock it, compare its version, write only what was changed.

    Raises NotFound, ChangedMeanwhile, FieldMistake, or whatever the app's service raises.
    """
    statement = select_row(view, principal, identifier).add_columns(version_column(view))
    locked = session.execute(statement.with_for_update()).one_or_none()
    if locked is None:
        raise NotFound
    names = columns_of(view, view.form_class_for_edit)
    found = fetch_row(session, view, principal, identifier, names)
    shown = _show_to(session, view, principal, found)
    changed = {name for name, field in form._fields.items() if is_changed(field, shown)}
    if version != found.version:
        raise ChangedMeanwhile(found.version, _describe_theirs(view, shown, changed))
    kept = {name for name in form._fields if name not in changed}
    touched = {name: value for name, value in values.items() if name not in kept}
    touched = _resolve(session, view, principal, form, touched)
    view.authorise(session, principal, "change", found.row, touched)
    if touched:
        view.update_row(session, found.row, touched)
        session.flush()  # what the database has to say is said before the commit


def delete(
    session: Session, view: ModelAdmin, principal: Principal, identifiers: Sequence[str]
) -> None:
    """Delete some rows, all of them or none."""
    for identifier in identifiers:
        row = session.scalars(
            select_row(view, principal, identifier).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        view.authorise(session, principal, "delete", row, {})
        view.delete_row(session, row)
    session.flush()  # a row that still refers to one of them refuses here


def is_changed(field: Field, shown: Form) -> bool:
    """Whether a field was sent with something else than what the form had shown.

    A form shows less than the column holds: no microseconds, one kind of empty. Writing
    back what nobody touched would lose the difference.
    """
    before = shown._fields.get(field.name)
    if before is None or isinstance(field, BooleanField):
        return before is None or bool(field.data) != bool(before.data)
    if field.data == before.data:
        return False
    if isinstance(field, CheckboxesField):
        return True
    sent = field.raw_data[0] if field.raw_data else ""
    return not isinstance(sent, str) or _plain(sent) != _plain(_text_of(before))


def _text_of(field: Field) -> str:
    if isinstance(field, CheckboxesField):
        return ", ".join(field.data or ())
    value = getattr(field, "_value", None)
    return str(value() if value is not None else field.data or "")


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _describe_theirs(view: ModelAdmin, shown: Form, changed: set[str]) -> dict[str, str]:
    fields = (field for name, field in shown._fields.items() if name in changed)
    return {view.label_of(field.name): _text_of(field) for field in fields}


def _resolve(
    session: Session, view: ModelAdmin, principal: Principal, form: Form, values: Values
) -> Values:
    """Turn typed references into foreign keys, and empty texts into NULL where there is one."""
    resolved = dict(values)
    for name, value in values.items():
        field = form._fields.get(name)
        if isinstance(field, ReferenceField):
            del resolved[name]
            resolved.update(_foreign_keys(session, view, principal, field))
        elif value == "" and isinstance(field, StringField) and _is_nullable(view, name):
            resolved[name] = None
    return resolved


def _foreign_keys(
    session: Session, view: ModelAdmin, principal: Principal, field: ReferenceField
) -> Iterator[tuple[str, Any]]:
    relation = view.mapper.relationships[field.name]
    target = None
    if (field.data or "").strip():
        target = find_reference(session, view, principal, field)
        if target is None:
            raise FieldMistake(field.name, "There is nothing with this id or name.")
    for local, remote in relation.local_remote_pairs or ():
        key = view.mapper.get_property_by_column(local).key
        value = None if target is None else getattr(target, str(remote.key))
        yield key, value


def _is_nullable(view: ModelAdmin, name: str) -> bool:
    column = view.mapper.columns.get(name)
    return column is not None and bool(column.nullable)


def _is_default(view: ModelAdmin, name: str, value: Any) -> bool:
    """Whether an empty field of a new row leaves the value to the column's default."""
    column = view.mapper.columns.get(name)
    if value is not None or column is None or column.nullable:
        return False
    return column.default is not None or column.server_default is not None
