"""Writing the rows of an inline, one by one, and what the history of their parent says of it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from project.admin import writing
from project.admin.objects.children import Block
from project.admin.objects.inline import Inline
from project.admin.plain import plain
from project.admin.recording import Actor, Changes
from project.admin.rows import identify, select_row, version_column
from project.errors import Conflict, NotFound


class StaleRow(Conflict):
    """A row that somebody wants to delete is not what they have seen any more."""

    code = "changed_meanwhile"
    title = "Somebody else changed this row; it is shown as it is now. Tick it again to delete it"

    def __init__(self, version: str) -> None:
        super().__init__()
        self.version = version


class ChildWriter:
    """Writes the rows of one inline of one parent, and remembers what became of them."""

    def __init__(self, session: Session, inline: Inline, actor: Actor, parent: Any) -> None:
        self._session, self._inline, self._actor, self._parent = session, inline, actor, parent
        self.removed: list[str] = []
        self.added: list[str] = []

    def delete(self, block: Block) -> None:
        """Delete a row that was ticked, if it is what it was."""
        if block.found is None or not block.is_doomed:
            return
        session, inline = self._session, self._inline
        identifier, label = block.found.shown.identifier, block.found.shown.label
        there = select_row(inline, self._actor.principal, identifier)
        if session.scalars(there.with_for_update(of=inline.model)).one_or_none() is None:
            return  # somebody else was quicker
        version = session.scalar(self._version_of(identifier))
        if version != block.version:
            raise StaleRow(str(version))
        writing.delete(session, inline, self._actor, [identifier])
        self.removed.append(str(plain(label)))

    def change(self, block: Block) -> None:
        """Change a row that says something else than before."""
        if block.found is None or not block.is_saved:
            return
        identifier, values = block.found.shown.identifier, dict(block.values)
        changes = writing.update(
            self._session,
            self._inline,
            identifier,
            block.form,
            values,
            actor=self._actor,
            version=block.version,
        )
        if changes:
            row = self._session.get_one(
                self._inline.model, identify(self._inline.model, identifier)
            )
            self._note_change(str(plain(str(row))), changes)

    def add(self, block: Block) -> None:
        """Make a row of what was filled in."""
        if block.found is None and block.is_saved:
            values = {**block.values, **self._inline.keys_of(self._parent)}
            identifier = writing.create(
                self._session, self._inline, self._actor, block.form, values
            )
            key = identify(self._inline.model, identifier)
            row = self._session.get_one(self._inline.model, key)
            self.added.append(str(plain(str(row))))

    def _note_change(self, label: str, changes: Changes) -> None:
        """Name what a row was and is, as far as the inline shows it."""
        shown = {n: values for n, values in changes.items() if n in self._inline.shown_names}
        for texts, place in ((self.removed, 0), (self.added, -1)):
            labels = {name: self._inline.declared_label(name).lower() for name in shown}
            said = [
                f"{labels[name]} {values[place] if values else 'changed'}"
                for name, values in shown.items()
            ]
            texts.append(f"{label} ({', '.join(said)})" if said else f"{label} (changed)")

    def _version_of(self, identifier: str) -> Any:
        key, inline = identify(self._inline.model, identifier), self._inline
        if key is None:
            raise NotFound
        columns = inline.mapper.primary_key
        same = [column == value for column, value in zip(columns, key, strict=True)]
        return select(version_column(inline)).select_from(inline.model).where(*same)
