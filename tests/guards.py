"""What a test may not do, whatever it asserts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from project.web.loop_guard import recorded_blocks


@contextmanager
def free_loop(longest: float) -> Iterator[None]:
    """Fail if the event loop is blocked meanwhile for longer than this, and say where."""
    with recorded_blocks() as blocks:
        yield
    too_long = [block for block in blocks if block.seconds > longest]
    if too_long:
        pytest.fail("\n".join(map(str, too_long)), pytrace=False)


@contextmanager
def collected_statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the SQL that runs meanwhile, savepoints left out."""
    collected: list[str] = []

    def collect(*arguments: object) -> None:
        statement = str(arguments[2])
        if "SAVEPOINT" not in statement:
            collected.append(statement)

    event.listen(engine, "before_cursor_execute", collect)
    try:
        yield collected
    finally:
        event.remove(engine, "before_cursor_execute", collect)


@contextmanager
def query_budget(engine: Engine, most: int) -> Iterator[None]:
    """Fail if more statements than this run meanwhile, and list them."""
    with collected_statements(engine) as statements:
        yield
    if len(statements) > most:
        listed = "\n".join(f"{n}. {' '.join(s.split())}" for n, s in enumerate(statements, 1))
        pytest.fail(f"{len(statements)} queries, at most {most} allowed:\n{listed}", pytrace=False)
