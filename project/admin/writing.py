"""What the forms change: each in one hop and one transaction, committed before the answer."""

from collections.abc import Iterator, Mapping, Sequence
from operator import eq
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import BooleanField, Field, Form, PasswordField, StringField

from project.admin.conflicts import (
    ChangedMeanwhile,
    find_differences,
    names_of,
    one_line_end,
    take_theirs,
    text_of,
)
from project.admin.forms import CheckboxesField, ReferenceField
from project.admin.objects.cascades import Cascade
from project.admin.plain import is_same
from project.admin.reading import Found, fetch_row
from project.admin.recording import (
    NOTHING,
    Actor,
    Changes,
    Snapshot,
    compare,
    entry_for,
    record_change,
    record_entries,
    refreshed,
    snapshot,
)
from project.admin.rows import (
    find_reference,
    identifier_of,
    name_reference,
    offer_rows,
    select_row,
    select_rows,
)
from project.admin.typed_fields import DocumentField
from project.admin.views import ModelAdmin, Values
from project.errors import Invalid, NotFound
from project.i18n import gettext
from project.trail import ADD, CHANGE, DELETE, Recorded
from project.web.principal import Principal


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
    offer_rows(session, view, principal, form)
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
    names = [*columns_of(view, view.form_class_for_edit), *view.readonly_names]
    found = fetch_row(session, view, principal, identifier, names)
    view.authorise(session, principal, "change", found.row, {})
    if sent is None:
        form = _show_to(session, view, principal, found)
        offer_rows(session, view, principal, form)
        return found, form
    form = view.form_class_for_edit(sent)
    offer_rows(session, view, principal, form)
    view.adapt_form(session, form, principal, found.row)
    drop_unsent(form, sent)
    shown = _show_to(session, view, principal, found)
    take_theirs(form, shown, sent)
    keep_untouched(form, shown)
    return found, form


def _show_to(session: Session, view: ModelAdmin, principal: Principal, found: Found) -> Form:
    form = show_form(view, found.row, found.references)
    view.adapt_form(session, form, principal, found.row)
    return form


def create(session: Session, view: ModelAdmin, actor: Actor, form: Form, values: Values) -> str:
    """Make a row and return its identifier."""
    values = resolve(session, view, actor.principal, form, values)
    view.authorise(session, actor.principal, "add", None, values)
    given = {name: value for name, value in values.items() if not is_default(view, name, value)}
    row = view.create_row(session, given)
    session.flush()  # the identifier, and what the database has to say
    if view.runtime.trail is not None:
        after = snapshot(view, refreshed(session, view, row))
        changes = compare(session, view, NOTHING, after)
        changes |= _other_changes(session, view, actor, form, shown=None, row=row)
        record_change(session, view, actor, action=ADD, row=row, changes=changes)
    return identifier_of(row)


def update(
    session: Session,
    view: ModelAdmin,
    identifier: str,
    form: Form,
    values: Values,
    *,
    actor: Actor,
    version: str,
    opened: Mapping[str, str] = NOTHING,
) -> Changes:
    """Change a row: lock it, compare its version, write only what was changed; return that.

    `opened` is what the form had shown, if that is known. Raises NotFound, ChangedMeanwhile,
    FieldMistake, or whatever the app's service raises.
    """
    found, shown = _lock(session, view, actor.principal, identifier)
    changed = {name for name, field in form._fields.items() if is_changed(field, shown)}
    if version != found.version:
        differences = find_differences(view, form, shown, changed, opened)
        last = _last_change(session, view, found)
        raise ChangedMeanwhile(found.version, shown, differences, last)
    kept = {name for name in form._fields if name not in changed}
    touched = {name: value for name, value in values.items() if name not in kept}
    touched = resolve(session, view, actor.principal, form, touched)
    view.authorise(session, actor.principal, "change", found.row, touched)
    if not touched:
        return {}
    before = snapshot(view, found.row)
    view.update_row(session, found.row, touched)
    session.flush()  # what the database has to say is said before the commit
    return _record_update(session, view, actor, form, (found.row, before, shown))


def _lock(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str
) -> tuple[Found, Form]:
    """Let nobody else change a row until the commit; return it and its form, as it is now."""
    statement = select_row(view, principal, identifier).with_for_update(of=view.model)
    if session.scalars(statement).one_or_none() is None:
        raise NotFound
    names = columns_of(view, view.form_class_for_edit)
    found = fetch_row(session, view, principal, identifier, names)
    return found, _show_to(session, view, principal, found)


def _last_change(session: Session, view: ModelAdmin, found: Found) -> Recorded | None:
    trail = view.runtime.trail
    if trail is None:
        return None
    identifier = found.shown.identifier
    return trail.written_with(session, view.model_label, identifier, version=found.version)


def _record_update(
    session: Session,
    view: ModelAdmin,
    actor: Actor,
    form: Form,
    changed: tuple[Any, Snapshot, Form],
) -> Changes:
    if view.runtime.trail is None:
        return {}
    row, before, shown = changed
    changes = compare(session, view, before, snapshot(view, refreshed(session, view, row)))
    changes |= _other_changes(session, view, actor, form, shown=shown, row=row)
    if changes:
        record_change(session, view, actor, action=CHANGE, row=row, changes=changes)
    return changes


def _other_changes(
    session: Session, view: ModelAdmin, actor: Actor, form: Form, *, shown: Form | None, row: Any
) -> Changes:
    """Return what the form changed in no column: passwords, without a value, and boxes."""
    changes: Changes = {
        field.name: [] for field in form if isinstance(field, PasswordField) and field.data
    }
    if any(isinstance(field, CheckboxesField) for field in form):
        now = show_form(view, row, NOTHING)
        view.adapt_form(session, now, actor.principal, row)
        for field in form:
            if isinstance(field, CheckboxesField) and field.name in now:
                before = names_of(shown[field.name]) if shown is not None else []
                after = names_of(now[field.name])
                if before != after:
                    changes[field.name] = [before, after]
    return changes


def delete(session: Session, view: ModelAdmin, actor: Actor, identifiers: Sequence[str]) -> None:
    """Delete some rows, all of them or none.

    Raises NotFound if one of them is missing, CascadeRefused if more would go than may.
    """
    statement = select_rows(view, actor.principal, identifiers)
    rows = session.scalars(statement.with_for_update(of=view.model)).all()
    if len(rows) != len(set(identifiers)):
        raise NotFound
    entries = []
    keys = [view.mapper.primary_key_from_instance(row) for row in rows]
    for row in rows:
        view.authorise(session, actor.principal, "delete", row, {})
        if view.runtime.trail is not None:
            last = compare(session, view, snapshot(view, row), NOTHING)
            entries.append(entry_for(view, actor, DELETE, row, last))
    Cascade(session, view, actor.principal, [tuple(key) for key in keys]).refuse()
    view.delete_rows(session, rows)
    session.flush()  # a row that still refers to one of them refuses here
    record_entries(session, view, entries)


def keep_untouched(form: Form, shown: Form) -> None:
    """Let what nobody touched be what it is: no rule of the form has a say in it.

    A column may hold more than its field can: the form of such a row could not be saved at all.
    """
    for field in form:
        if not is_changed(field, shown):
            field.data = shown[field.name].data
            field.validators, field.process_errors = (), []
            field.pre_validate = _accept


def is_kept(field: Field) -> bool:
    """Whether `keep_untouched` has found nothing new in a field."""
    return field.pre_validate is _accept


def _accept(form: Form) -> None:
    """What a field is asked before its validators."""


def is_changed(field: Field, shown: Form) -> bool:
    """Whether a field was sent with something else than what the form had shown.

    A form shows less than the column holds: no microseconds, one kind of empty. Writing
    back what nobody touched would lose the difference.
    """
    before = shown._fields.get(field.name)
    if before is None or isinstance(field, BooleanField):
        return before is None or bool(field.data) != bool(before.data)
    is_equal = is_same if isinstance(field, DocumentField) else eq
    if is_equal(field.data, before.data) and not field.process_errors:
        return False
    if isinstance(field, CheckboxesField):
        return True
    sent = field.raw_data[0] if field.raw_data else ""
    return not isinstance(sent, str) or one_line_end(sent) != one_line_end(text_of(before))


def resolve(
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
            raise FieldMistake(field.name, gettext("There is nothing with this id or name."))
    for local, remote in relation.local_remote_pairs or ():
        key = view.mapper.get_property_by_column(local).key
        value = None if target is None else getattr(target, str(remote.key))
        yield key, value


def _is_nullable(view: ModelAdmin, name: str) -> bool:
    column = view.mapper.columns.get(name)
    return column is not None and bool(column.nullable)


def is_default(view: ModelAdmin, name: str, value: Any) -> bool:
    """Whether an empty field of a new row leaves the value to the column's default."""
    column = view.mapper.columns.get(name)
    if value is not None or column is None or column.nullable:
        return False
    return column.default is not None or column.server_default is not None
