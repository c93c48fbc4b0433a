"""Sessions that only read, in autocommit: one round trip instead of three."""

import re
from typing import Any, NoReturn

from sqlalchemy import TextClause, event
from sqlalchemy.orm import ORMExecuteState, Session

from project.errors import ProjectError


class WriteRefused(ProjectError):
    """Something that only reads tried to write; nothing was saved."""

    def __init__(self) -> None:
        super().__init__(
            "A GET only reads, in autocommit, and this one tried to write or to lock. Use another "
            "method, or mark the endpoint @transactional (project.web.route)."
        )


WRITING = re.compile(r"\s*(insert|update|delete|merge|truncate|copy)\b", re.IGNORECASE)


class ReadingSession(Session):
    """Refuses to write, and to lock what would be free again at once, by raising WriteRefused.

    It reads statements, not minds: a function or a WITH that writes inside a SELECT passes.
    """

    def refuse_changes(self) -> None:
        """Refuse what was changed and not flushed, which would be lost without a word."""
        if self.new or self.dirty or self.deleted:
            raise WriteRefused


@event.listens_for(ReadingSession, "do_orm_execute")
def _refuse_statement(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    is_written = isinstance(statement, TextClause) and WRITING.match(statement.text)
    is_locking = getattr(statement, "_for_update_arg", None) is not None
    if state.is_insert or state.is_update or state.is_delete or is_written or is_locking:
        raise WriteRefused


def _refuse_bulk(*_: object, **__: object) -> NoReturn:
    raise WriteRefused


for _name in ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"):
    setattr(ReadingSession, _name, _refuse_bulk)


@event.listens_for(ReadingSession, "before_flush")
def _refuse_flush(*_: object) -> None:
    raise WriteRefused
