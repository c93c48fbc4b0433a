"""Editing in the list: a form for each row, all of them saved at once or none.

A row is written as its own page would write it: locked, its version compared, its rules asked.
What nobody touched is left alone, whatever happened to it meanwhile.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from wtforms import Form

from project.admin import writing
from project.admin.conflicts import (
    OPENED,
    ChangedMeanwhile,
    Difference,
    one_line_end,
    remember,
    remembered,
    text_of,
)
from project.admin.lists.loading import load_for_list
from project.admin.lists.query import ListQuery
from project.admin.lists.reading import ListPage, fetch_list
from project.admin.mistakes import Mistake, explain
from project.admin.reading import Row, describe_row
from project.admin.recording import Actor
from project.admin.rows import identifier_of, identify, select_rows, version_column
from project.admin.views import ModelAdmin, Values
from project.errors import DomainError, NotFound
from project.i18n import gettext, mark
from project.web.principal import Principal

PREFIX = "row-"
ID, VERSION = "_id", "_version"
GONE = mark("This is gone, or not to be seen any more; nothing was saved.")


@dataclass
class Editor:
    """The inputs of one row."""

    identifier: str
    version: str
    opened: str
    """What the inputs held when they were shown, so that it is known what was touched."""

    form: Form
    problem: str = ""
    label: str = ""
    status: int = 0
    values: Values = field(default_factory=dict)

    @property
    def is_wrong(self) -> bool:
        """Whether something stands against saving it."""
        return bool(self.problem) or any(found.errors for found in self.form)


class NotSaved(DomainError):
    """Some rows cannot be saved, so none was."""

    def __init__(self, editors: Sequence[Editor]) -> None:
        super().__init__("Nothing was saved: see the rows that are marked.")
        self.editors = editors


def fetch_editable(
    session: Session, query: ListQuery, request: Request, *, may_change: bool
) -> tuple[ListPage, dict[str, Editor]]:
    """Read a page of a list, and the inputs of the rows that somebody may change."""
    page = fetch_list(session, query, request)
    view = query.scope.view
    if not (view.is_list_editable and may_change):
        return page, {}
    identifiers = [row.identifier for row in page.rows]
    return page, open_editors(session, view, query.scope.principal, identifiers)


def open_editors(
    session: Session, view: ModelAdmin, principal: Principal, identifiers: Sequence[str]
) -> dict[str, Editor]:
    """Build the inputs of those of these rows that are there and may be changed."""
    if not identifiers:
        return {}
    statement = select_rows(view, principal, identifiers).add_columns(version_column(view))
    editors = {}
    for row, version in session.execute(statement):
        form = _editable_form(session, view, principal, row)
        if form is not None:
            identifier = identifier_of(row)
            editors[identifier] = Editor(identifier, version, remember(form), form)
    _name_fields(editors, identifiers)
    return editors


def _editable_form(
    session: Session, view: ModelAdmin, principal: Principal, row: Any
) -> Form | None:
    """Build the form of one row, as far as it may be changed by whoever asks."""
    try:
        view.authorise(session, principal, "change", row, {})
    except DomainError:
        return None
    names = view.editable_columns
    form: Form = view.form_class_for_edit(data={name: getattr(row, name) for name in names})
    view.adapt_form(session, form, principal, row)
    _leave_only(form, names)
    return form


def _leave_only(form: Form, names: Sequence[str]) -> None:
    for name in list(form._fields):
        if name not in names:
            del form[name]


def _name_fields(editors: Mapping[str, Editor], order: Sequence[str]) -> None:
    """Give each input a name of its own, once nothing is read from the form any more."""
    for number, identifier in enumerate(order):
        editor = editors.get(identifier)
        for found in editor.form if editor is not None else ():
            found.name = found.id = f"{PREFIX}{number}-{found.short_name}"


def read_rows(sent: FormData) -> Iterator[tuple[str, FormData]]:
    """Yield each row's identifier, and what was sent for it, under the fields' own names."""
    parts: dict[str, list[tuple[str, Any]]] = {}
    for name, value in sent.multi_items():
        number, joint, own = name.removeprefix(PREFIX).partition("-")
        if name.startswith(PREFIX) and joint and isinstance(value, str):
            parts.setdefault(number, []).append((own, value))
    for pairs in parts.values():
        row = FormData(pairs)
        identifier = row.get(ID)
        if isinstance(identifier, str) and identifier:
            yield identifier, row


def open_sent(
    session: Session, view: ModelAdmin, principal: Principal, sent: FormData
) -> list[Editor]:
    """Return the rows that were touched, with what was typed, looked at by their forms.

    In the order of their keys, in which they will be locked.
    """
    touched = [
        (identify(view.model, identifier), editor)
        for identifier, row in read_rows(sent)
        if (editor := _open_touched(session, view, principal, identifier, row)) is not None
    ]
    return [editor for _, editor in sorted(touched, key=lambda pair: pair[0] or ())]


def _open_touched(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str, sent: FormData
) -> Editor | None:
    opened, version = remembered(sent), str(sent.get(VERSION, ""))
    typed = view.form_class_for_edit(sent)
    _leave_only(typed, view.editable_columns)
    if not any(_is_touched(found, opened) for found in typed if found.short_name in opened):
        return None
    editor = Editor(identifier, version, str(sent.get(OPENED, "")), typed)
    try:
        found, form = writing.open_row(session, view, principal, identifier, sent)
    except DomainError as error:
        editor.problem = gettext(GONE if isinstance(error, NotFound) else error.detail)
        editor.status = error.status
        return editor
    _leave_only(form, [name for name in view.editable_columns if name in opened])
    editor.form, editor.label = form, found.shown.label
    if form.validate():
        editor.values = dict(form.data)
    else:
        editor.status = 400
    return editor


def _is_touched(found: Any, opened: Mapping[str, str]) -> bool:
    return one_line_end(text_of(found)) != one_line_end(opened[found.short_name])


def save_rows(session: Session, view: ModelAdmin, actor: Actor, editors: Sequence[Editor]) -> int:
    """Save all of these rows; return how many. Raises NotSaved if one of them cannot be."""
    for editor in editors:
        try:
            with session.begin_nested():
                _save(session, view, actor, editor)
        except Exception as error:
            mistake = explain(error, view)
            if mistake is None:
                raise
            _note(editor, error, mistake)
    if any(editor.is_wrong for editor in editors):
        raise NotSaved(editors)
    return len(editors)


def _save(session: Session, view: ModelAdmin, actor: Actor, editor: Editor) -> None:
    writing.update(
        session,
        view,
        editor.identifier,
        editor.form,
        editor.values,
        actor=actor,
        version=editor.version,
    )


def _note(editor: Editor, error: Exception, mistake: Mistake) -> None:
    """Say what stands against a row: at the cell that is to blame, or beside the row."""
    editor.status = mistake.status
    if isinstance(error, ChangedMeanwhile):
        # Saving once more is then a decision, made with both values in view.
        editor.version, editor.opened = error.version, error.opened
        there = [_is_now(difference) for difference in error.differences]
        editor.problem = gettext(
            "%(who)s changed this meanwhile: %(what)s.",
            who=error.last.entry.actor_label if error.last is not None else gettext("Somebody"),
            what=", ".join(there) or gettext("as you wrote it"),
        )
    elif mistake.field in editor.form._fields:
        found = editor.form._fields[mistake.field]
        found.errors = [*found.errors, mistake.sentence]
    else:
        editor.problem = mistake.sentence


def _is_now(found: Difference) -> str:
    theirs = found.theirs or gettext("empty")
    return gettext("%(column)s is now %(text)s", column=found.label, text=theirs)


def fetch_again(
    session: Session,
    query: ListQuery,
    request: Request,
    identifiers: Sequence[str],
    wrong: Sequence[Editor],
) -> tuple[ListPage, dict[str, Editor]]:
    """Show the same rows once more, in the same order, with what was typed into them."""
    view, principal = query.scope.view, query.scope.principal
    page = fetch_list(session, query, request)
    known = [pk for pk in identifiers if identify(view.model, pk) is not None]
    statement = select_rows(view, principal, known)
    rows: dict[str, Row] = {}
    for row in session.scalars(statement.options(*load_for_list(view))):
        shown = describe_row(view, row, view.list_columns, is_list=True)
        rows[shown.identifier] = shown
    kept = list(dict.fromkeys(pk for pk in known if pk in rows))
    editors = open_editors(session, view, principal, kept)
    editors |= {editor.identifier: editor for editor in wrong if editor.identifier in rows}
    _name_fields(editors, kept)
    return replace(page, rows=[rows[pk] for pk in kept]), editors
