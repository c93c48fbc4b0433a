"""What is written stays, and is found again."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from apps.audit.models import LABEL_LENGTH, Change
from apps.audit.trail import trail
from project.trail import Entry, Trail
from tests.factories.audit import ChangeFactory


def entry(**given: object) -> Entry:
    return Entry(
        **{
            "actor_id": 7,
            "actor_label": "ada@example.com",
            "action": "change",
            "model": "shop.thing",
            "object_id": "1",
            "object_label": "Thing",
            "changes": {"price": ["1.50", "1.60"], "password": []},
            **given,
        }  # type: ignore[arg-type]
    )


def test_it_is_a_trail() -> None:
    assert isinstance(trail, Trail)


def test_an_entry_comes_back_as_it_was(session: Session) -> None:
    written = entry(request_id="r1", address="127.0.0.1")
    trail.record(session, [written])
    (found,) = trail.history_of(session, "shop.thing", "1", before=None, limit=10)
    assert found.entry == written
    assert found.at.tzinfo is not None


def test_long_names_are_cut(session: Session) -> None:
    trail.record(session, [entry(object_label="x" * 1000)])
    assert session.scalars(select(Change.object_label)).one() == "x" * LABEL_LENGTH


def test_nothing_to_write_is_no_statement(session: Session, statements: list[str]) -> None:
    trail.record(session, [])
    assert statements == []


def test_history_is_of_one_row_and_comes_in_pages(session: Session) -> None:
    trail.record(session, [entry(changes={"n": [None, n]}) for n in range(5)])
    trail.record(session, [entry(object_id="2"), entry(model="shop.other")])
    first = trail.history_of(session, "shop.thing", "1", before=None, limit=3)
    second = trail.history_of(session, "shop.thing", "1", before=first[-1].id, limit=3)
    shown = [found.entry.changes["n"][1] for found in [*first, *second]]
    assert shown == [4, 3, 2, 1, 0]


def test_recent_is_of_somebody_or_of_all(session: Session) -> None:
    trail.record(session, [entry(actor_id=1), entry(actor_id=2), entry(model="shop.secret")])
    mine = trail.recent(session, models=["shop.thing"], actor_id=1, limit=10)
    assert [found.entry.actor_id for found in mine] == [1]
    everybodys = trail.recent(session, models=["shop.thing"], actor_id=None, limit=10)
    assert [found.entry.actor_id for found in everybodys] == [2, 1]
    assert trail.recent(session, models=[], actor_id=None, limit=10) == []


def test_the_entry_of_a_version(session: Session) -> None:
    """What one transaction wrote carries one mark: the row's version leads to its entry."""
    trail.record(session, [entry()])
    version: str = session.execute(text("SELECT xmin::text FROM audit_change")).scalar_one()
    found = trail.written_with(session, "shop.thing", "1", version=version)
    assert found is not None
    assert trail.written_with(session, "shop.thing", "1", version="1") is None
    assert trail.written_with(session, "shop.thing", "2", version=version) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_change SET actor_label = 'nobody'",
        "DELETE FROM audit_change",
        """INSERT INTO audit_change OVERRIDING SYSTEM VALUE SELECT * FROM audit_change
        ON CONFLICT (id) DO UPDATE SET actor_label = 'nobody'""",
    ],
)
def test_nobody_rewrites_history(session: Session, statement: str) -> None:
    ChangeFactory.create()
    with pytest.raises(ProgrammingError, match="only ever added to") as caught:
        session.execute(text(statement))
    assert getattr(caught.value.orig, "sqlstate", None) == "42501"


def test_not_even_who_may_delete_changes_it(session: Session) -> None:
    ChangeFactory.create()
    session.execute(text("SELECT set_config('audit.may_delete', 'on', true)"))
    with pytest.raises(ProgrammingError, match="only ever added to"):
        session.execute(text("UPDATE audit_change SET actor_label = 'nobody'"))


def test_the_indexes_answer(session: Session) -> None:
    """History of a row, and what somebody did last, are read backwards from an index."""
    ChangeFactory.create_batch(3)
    session.execute(text("SET LOCAL enable_seqscan = off"))
    for condition in ("model = 'shop.thing' AND object_id = '1'", "actor_id = 1"):
        query = f"EXPLAIN SELECT * FROM audit_change WHERE {condition} ORDER BY id DESC LIMIT 5"  # noqa: S608
        plan = "\n".join(session.scalars(text(query)))
        assert "Index Scan Backward using ix_audit_change" in plan
