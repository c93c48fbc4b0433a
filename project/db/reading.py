"""Sessions that only read, in autocommit: one round trip instead of three."""

import re
from typing import Any, NoReturn

from sqlalchemy import Connection, Executable, Result, Select, TextClause, event
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

    def execute(self, statement: Executable, *values: Any, **options: Any) -> Result[Any]:
        """Run a SELECT of tables right on the connection: the ORM has no part in it."""
        if isinstance(self.bind, Connection) and _is_of_tables(statement) and not options:
            if _is_locking(statement):
                raise WriteRefused
            return self.bind.execute(statement, *values)
        return super().execute(statement, *values, **options)

    def refuse_changes(self) -> None:
        """Refuse what was changed and not flushed, which would be lost without a word."""
        if self.new or self.dirty or self.deleted:
            raise WriteRefused


def _is_of_tables(statement: Executable) -> bool:
    return isinstance(statement, Select) and not statement._propagate_attrs  # noqa: SLF001


def _is_locking(statement: Executable) -> bool:
    return getattr(statement, "_for_update_arg", None) is not None


@event.listens_for(ReadingSession, "do_orm_execute")
def _refuse_statement(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    is_written = isinstance(statement, TextClause) and WRITING.match(statement.text)
    if state.is_insert or state.is_update or state.is_delete or is_written:
        raise WriteRefused
    if _is_locking(statement):
        raise WriteRefused


def _refuse_bulk(*_: object, **__: object) -> NoReturn:
    raise WriteRefused


for _name in ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"):
    setattr(ReadingSession, _name, _refuse_bulk)


@event.listens_for(ReadingSession, "before_flush")
def _refuse_flush(*_: object) -> None:
    raise WriteRefused
