"""The rows of an inline, as they are or as they were sent, each with a form of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import Form

from project.admin.objects.inline import MOST_ROWS, Inline
from project.admin.reading import Found, describe_row
from project.admin.rows import version_column, with_relations, without_secrets
from project.admin.views import Values
from project.admin.writing import drop_unsent, is_changed, keep_untouched, show_form
from project.i18n import gettext, mark, ngettext
from project.web.principal import Principal

ACTIONS = ("view", "add", "change", "delete")
GONE = mark("Somebody else deleted one of these rows meanwhile.")
PK, VERSION, DELETE = "_pk", "_version", "_delete"


@dataclass
class Block:
    """One row of an inline: one that is there, or one that is yet to come."""

    number: int
    form: Form
    found: Found | None = None
    version: str = ""
    is_doomed: bool = False
    is_changed: bool = False
    """Whether it says something else than what is there; a blank row says nothing."""

    values: Values = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    @property
    def is_saved(self) -> bool:
        """Whether saving the form writes this row."""
        return self.is_changed and not self.is_doomed

    @property
    def has_mistakes(self) -> bool:
        return bool(self.mistakes or self.form.errors)


@dataclass
class Children:
    """What a page shows of an inline, and what somebody may do there."""

    inline: Inline
    may: frozenset[str]
    blocks: list[Block]
    blank: Form
    has_more: bool = False
    mistakes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inline.key

    @property
    def is_editable(self) -> bool:
        """Whether there is anything to fill in, rather than a table to read."""
        has_rows = any(block.found is not None for block in self.blocks)
        return "add" in self.may or (has_rows and bool(self.may & {"change", "delete"}))

    @property
    def has_mistakes(self) -> bool:
        return bool(self.mistakes) or any(block.has_mistakes for block in self.blocks)

    def validate(self) -> bool:
        """Look at the rows that will be saved, and at how many there are."""
        saved = [block for block in self.blocks if block.is_saved]
        are_valid = [block.form.validate() for block in saved]
        kept = [block for block in self.blocks if not block.is_doomed]
        number = sum(1 for block in kept if block.found is not None or block.is_changed)
        inline = self.inline
        if saved and number > inline.max_num:
            self.mistakes.append(
                ngettext("At most %(num)s of them.", "At most %(num)s of them.", inline.max_num)
            )
        if number < inline.min_num and "add" in self.may and not self.has_more:
            self.mistakes.append(
                ngettext("At least %(num)s of them.", "At least %(num)s of them.", inline.min_num)
            )
        return all(are_valid) and not self.mistakes

    def rename(self) -> None:
        """Give the fields the names that they have on the page, each row its own."""
        for block in self.blocks:
            _rename(block.form, f"{self.name}-{block.number}-")
        _rename(self.blank, f"{self.name}-__n__-")


def open_children(
    session: Session,
    inline: Inline,
    principal: Principal,
    parent: Any | None,
    sent: FormData | None,
) -> Children | None:
    """Read the rows of a parent, or of one that is yet to come; None for those who see none."""
    may = frozenset(action for action in ACTIONS if inline.permits(principal, action))
    if not may & {"view", "add"}:
        return None
    rows = []
    if parent is not None and "view" in may:
        rows = fetch_children(session, inline, principal, parent)
    children = Children(inline, may, [], _blank(session, inline, principal))
    if len(rows) > MOST_ROWS:
        children.has_more, rows = True, []
    if sent is None:
        children.blocks = list(_show(session, children, principal, rows))
    else:
        _bind(session, children, principal, {row.shown.identifier: row for row in rows}, sent)
    return children


def fetch_children(
    session: Session, inline: Inline, principal: Principal, parent: Any
) -> list[Found]:
    """Read a parent's rows with their versions, one more than a page shows."""
    names = inline.shown_names
    owned = [getattr(inline.model, name) == value for name, value in inline.keys_of(parent).items()]
    statement = inline.rows_for(principal, select(inline.model)).where(*owned)
    statement = statement.options(*without_secrets(inline), *with_relations(inline, names))
    statement = statement.order_by(*inline.mapper.primary_key).limit(MOST_ROWS + 1)
    relations = [name for name in names if name in inline.mapper.relationships]
    return [
        Found(
            row,
            version,
            describe_row(inline, row, names),
            {name: getattr(row, name) for name in relations},
        )
        for row, version in session.execute(statement.add_columns(version_column(inline)))
    ]


def _show(
    session: Session, children: Children, principal: Principal, rows: list[Found]
) -> Iterator[Block]:
    inline = children.inline
    for number, found in enumerate(rows):
        yield Block(number, _shown(session, inline, principal, found), found, found.version)
    if "add" in children.may:
        wanted = max(inline.extra, inline.min_num - len(rows))
        room = max(inline.max_num - len(rows), 0)
        for number in range(len(rows), len(rows) + min(wanted, room)):
            yield Block(number, _blank(session, inline, principal))


def _bind(
    session: Session,
    children: Children,
    principal: Principal,
    rows: dict[str, Found],
    sent: FormData,
) -> None:
    """Fill the rows with what was sent for them; rows of somebody else's parent are none."""
    inline = children.inline
    for number, part in sorted(_parts(children.name, sent).items()):
        identifier, is_doomed = part.get(PK), DELETE in part and "delete" in children.may
        if not identifier:
            if "add" in children.may:
                children.blocks.append(_new(session, inline, principal, number, part))
            continue
        found = rows.get(str(identifier))
        if found is None:
            if DELETE not in part:
                children.mistakes.append(gettext(GONE))
            continue
        block = Block(number, _shown(session, inline, principal, found), found, is_doomed=is_doomed)
        block.version = str(part.get(VERSION, "")) or found.version
        if "change" in children.may:
            _fill(session, inline, principal, block, part)
        children.blocks.append(block)


def _fill(
    session: Session, inline: Inline, principal: Principal, block: Block, part: FormData
) -> None:
    assert block.found is not None  # noqa: S101 - a new one is filled by _new
    form, shown = inline.form_class_for_edit(part), block.form
    inline.adapt_form(session, form, principal, block.found.row)
    drop_unsent(form, part)
    block.is_changed = any(is_changed(item, shown) for item in form)
    keep_untouched(form, shown)
    block.form = form


def _new(
    session: Session, inline: Inline, principal: Principal, number: int, part: FormData
) -> Block:
    form, blank = inline.form_class_for_create(part), _blank(session, inline, principal)
    inline.adapt_form(session, form, principal, None)
    is_filled = DELETE not in part and any(is_changed(item, blank) for item in form)
    return Block(number, form, is_changed=is_filled)


def _parts(name: str, sent: FormData) -> dict[int, FormData]:
    """Sort what was sent by the rows that it is for."""
    pattern = re.compile(rf"{re.escape(name)}-(\d{{1,4}})-(\w+)", re.ASCII)
    parts: dict[int, list[tuple[str, Any]]] = {}
    for key, value in sent.multi_items():
        match = pattern.fullmatch(key)
        if match is not None:
            parts.setdefault(int(match[1]), []).append((match[2], value))
    return {number: FormData(items) for number, items in parts.items()}


def _shown(session: Session, inline: Inline, principal: Principal, found: Found) -> Form:
    form = show_form(inline, found.row, found.references)
    inline.adapt_form(session, form, principal, found.row)
    return form


def _blank(session: Session, inline: Inline, principal: Principal) -> Form:
    form = inline.form_class_for_create()
    inline.adapt_form(session, form, principal, None)
    return form


def _rename(form: Form, prefix: str) -> None:
    for name, item in form._fields.items():
        item.name = item.id = item.label.field_id = f"{prefix}{name}"
