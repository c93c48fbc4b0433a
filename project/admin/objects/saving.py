"""Saving a row together with the rows of its inlines: in one transaction, or none of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import Form

from project.admin import writing
from project.admin.conflicts import ChangedMeanwhile, readable
from project.admin.objects.child_writing import ChildWriter, StaleRow
from project.admin.objects.children import Block, Children, open_children
from project.admin.objects.inline import Inline
from project.admin.objects.prepopulating import prepopulate
from project.admin.reading import Found
from project.admin.recording import Actor, Changes, record_change
from project.admin.rows import identify, name_reference
from project.admin.views import ModelAdmin, Values
from project.i18n import gettext
from project.trail import CHANGE
from project.web.principal import Principal


@dataclass
class Opened:
    """A form with all that belongs to it, and how far saving it has come."""

    form: Form
    children: list[Children]
    found: Found | None = None
    at: tuple[Inline, Block] | None = None
    """The row of an inline that is being written: what goes wrong now is about it."""

    values: Values = field(default_factory=dict)

    def validate(self) -> bool:
        """Look at all of it, so that everything that is wrong is said at once."""
        is_valid = self.form.validate()
        are_valid = [children.validate() for children in self.children]
        return is_valid and all(are_valid)


def open_new(
    session: Session, view: ModelAdmin, principal: Principal, sent: FormData | None
) -> Opened:
    """Build the form of a new row, empty or as it was sent."""
    form = writing.open_empty(session, view, principal, sent)
    if sent is not None:
        prepopulate(view, form)
    return Opened(form, _open_inlines(session, view, principal, None, sent))


def open_there(
    session: Session,
    view: ModelAdmin,
    principal: Principal,
    identifier: str,
    sent: FormData | None,
) -> Opened:
    """Build the form of a row that is there, as it is or as it was sent."""
    found, form = writing.open_row(session, view, principal, identifier, sent)
    return Opened(form, _open_inlines(session, view, principal, found.row, sent), found)


def open_copy(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str, sent: FormData
) -> Opened:
    """Build the form of a new row out of the form of another: what nobody touched is copied."""
    there = open_there(session, view, principal, identifier, sent)
    assert there.found is not None  # noqa: S101 - a row that is not there was a 404
    _restore(view, there.form, there.found.row)
    form = writing.open_empty(session, view, principal, sent)
    for name, original in there.form._fields.items():
        if name in form._fields:
            form._fields[name] = original
    for children in there.children:
        copied = [block for block in children.blocks if not block.is_doomed]
        children.blocks = [_as_new(children.inline, block) for block in copied]
        if "add" not in children.may:
            children.blocks = []
    return Opened(form, there.children)


def _as_new(inline: Inline, block: Block) -> Block:
    if block.found is not None:
        _restore(inline, block.form, block.found.row)
    is_filled = block.found is not None or block.is_changed
    return Block(block.number, block.form, is_changed=is_filled)


def _restore(view: ModelAdmin, form: Form, row: Any) -> None:
    """Give untouched fields what the column holds: the form shows less of it."""
    for name, item in form._fields.items():
        if writing.is_kept(item) and name in view.mapper.column_attrs:
            item.data = getattr(row, name)


def create_whole(
    session: Session, view: ModelAdmin, actor: Actor, opened: Opened
) -> tuple[str, str]:
    """Make a row and those of its inlines; return its identifier, and how fields name it."""
    opened.at = None
    identifier = writing.create(session, view, actor, opened.form, dict(opened.values))
    row = session.get_one(view.model, identify(view.model, identifier))
    _save_children(session, view, actor, row, opened)
    return identifier, name_reference(row)


def update_whole(
    session: Session,
    view: ModelAdmin,
    actor: Actor,
    opened: Opened,
    *,
    version: str,
    shown_before: Mapping[str, str],
) -> None:
    """Change a row and those of its inlines. Raises what `writing.update` does, and StaleRow."""
    assert opened.found is not None  # noqa: S101 - what is changed is there
    opened.at = None
    writing.update(
        session,
        view,
        opened.found.shown.identifier,
        opened.form,
        dict(opened.values),
        actor=actor,
        version=version,
        opened=shown_before,
    )
    if opened.children:
        key = identify(view.model, opened.found.shown.identifier)
        _save_children(session, view, actor, session.get_one(view.model, key), opened)


def _open_inlines(
    session: Session,
    view: ModelAdmin,
    principal: Principal,
    parent: Any | None,
    sent: FormData | None,
) -> list[Children]:
    opened = (open_children(session, i, principal, parent, sent) for i in view.inline_views)
    return [children for children in opened if children is not None]


def _save_children(
    session: Session, view: ModelAdmin, actor: Actor, parent: Any, opened: Opened
) -> None:
    """Delete first: a new row may take the place of one that goes.

    The history of the parent tells of it, too: nobody looks for a line of an order by itself.
    """
    changes: Changes = {}
    for children in opened.children:
        writer = ChildWriter(session, children.inline, actor, parent)
        for step in (writer.delete, writer.change, writer.add):
            for block in children.blocks:
                opened.at = (children.inline, block)
                step(block)
        if writer.removed or writer.added:
            changes[children.inline.key] = [writer.removed, writer.added]
    opened.at = None
    if changes:
        record_change(session, view, actor, action=CHANGE, row=parent, changes=changes)


def note_conflict(block: Block, error: Exception) -> None:
    """Say at a row what somebody else made of it; saving once more is then a decision."""
    if isinstance(error, StaleRow):
        block.version, block.is_doomed = error.version, False
    if isinstance(error, ChangedMeanwhile):
        block.version = error.version
        for difference in error.differences:
            item = block.form[difference.name]
            theirs = difference.theirs or gettext("empty")
            if readable(item) != difference.theirs:
                item.errors = [*item.errors, gettext("Somebody else wrote: %(text)s.", text=theirs)]
