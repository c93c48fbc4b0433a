"""Sessions that only read, in autocommit: one round trip instead of three."""

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from project.errors import ProjectError


class WriteRefused(ProjectError):
    """Something that only reads tried to write; nothing was saved."""

    def __init__(self) -> None:
        super().__init__(
            "A GET only reads, in autocommit, and this one tried to write. Use another method, "
            "or mark the endpoint @transactional (project.web.route)."
        )


class ReadingSession(Session):
    """Refuses whatever would write, by raising WriteRefused."""

    def refuse_changes(self) -> None:
        """Refuse what was changed and not flushed, which would be lost without a word."""
        if self.new or self.dirty or self.deleted:
            raise WriteRefused


@event.listens_for(ReadingSession, "do_orm_execute")
def _refuse_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise WriteRefused


@event.listens_for(ReadingSession, "before_flush")
def _refuse_flush(*_: object) -> None:
    raise WriteRefused
