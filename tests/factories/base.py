"""What all factories share: they commit through the test's session."""

from collections.abc import Iterator
from contextlib import contextmanager

from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.orm import Session

_bound: list[Session] = []


@contextmanager
def bind_factories(session: Session) -> Iterator[None]:
    """Let every factory write through this session."""
    _bound.append(session)
    try:
        yield
    finally:
        _bound.pop()


def current_session() -> Session:
    """Return the session of the test that runs."""
    return _bound[-1]


class Factory(SQLAlchemyModelFactory):
    """Builds rows that the application's own transactions can see."""

    class Meta:
        abstract = True
        sqlalchemy_session_factory = current_session
        sqlalchemy_session_persistence = "commit"
