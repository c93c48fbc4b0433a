"""Saving a row that is not there any more: nothing that was typed is lost with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import HiddenField, PasswordField

from project.admin.conflicts import readable
from project.admin.history.reading import fetch_history
from project.admin.objects.children import PK
from project.admin.objects.saving import Opened, open_new
from project.admin.rows import identify
from project.admin.views import ModelAdmin
from project.errors import DomainError, NotFound
from project.trail import DELETE, Recorded
from project.web.principal import Principal


@dataclass(frozen=True)
class Gone:
    """A row that somebody wanted to save, and what they had typed."""

    identifier: str
    last: Recorded | None
    """Who deleted it and when, if the history of changes knows."""

    typed: Sequence[tuple[str, str]]
    """Labels and values of all that the form of a new row does not hold."""

    opened: Opened | None
    """The form of a new row, with what was typed; None for who may add none."""


def open_gone(
    session: Session,
    view: ModelAdmin,
    principal: Principal,
    identifier: str,
    sent: FormData,
    *,
    may_add: bool,
) -> Gone:
    """Keep what was sent for a row that is gone. Raises NotFound for nobody's identifier."""
    if identify(view.model, identifier) is None:
        raise NotFound
    last = _deletion(session, view, principal, identifier)
    opened = _open_as_new(session, view, principal, sent) if may_add else None
    held = () if opened is None else opened.form._fields
    typed = [
        (view.label_of(field.name), readable(field))
        for field in view.form_class_for_edit(sent)
        if field.name in sent and field.name not in held and _is_told(field)
    ]
    return Gone(identifier, last, typed, opened)


def _is_told(field: object) -> bool:
    return not isinstance(field, PasswordField | HiddenField)


def _deletion(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str
) -> Recorded | None:
    """Find who deleted the row, by the rules of the page of its history."""
    trail = view.runtime.trail
    if trail is None:
        return None
    try:
        history = fetch_history(session, view, trail, principal, identifier, before=None)
    except NotFound:
        return None
    newest = history.events[0] if history.events else None
    if history.is_there or newest is None or newest.entry.action != DELETE:
        return None
    return Recorded(newest.id, newest.at, newest.entry)


def _open_as_new(
    session: Session, view: ModelAdmin, principal: Principal, sent: FormData
) -> Opened | None:
    try:
        return open_new(session, view, principal, _without_keys(view, sent))
    except DomainError:  # `authorise`: they may add some, but nothing here
        return None


def _without_keys(view: ModelAdmin, sent: FormData) -> FormData:
    """Take away which rows the inlines' rows were: they went with their parent."""
    names = "|".join(re.escape(inline.key) for inline in view.inline_views)
    is_key = re.compile(rf"(?:{names})-\d+-{re.escape(PK)}", re.ASCII)
    return FormData([item for item in sent.multi_items() if not is_key.fullmatch(item[0])])
