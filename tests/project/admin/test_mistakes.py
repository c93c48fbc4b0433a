"""What PostgreSQL refuses becomes a sentence, at the field where there is one."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from project.admin.views import ModelAdmin, Values
from project.db.base import NAMING_CONVENTION, BigIntKey
from project.runtime import Runtime
from tests.factories.users import UserFactory
from tests.project.admin.support import enter
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Room(Base):
    __tablename__ = "shop_room"
    id: Mapped[BigIntKey]


class Booking(Base):
    __tablename__ = "shop_booking"

    id: Mapped[BigIntKey]
    room_id: Mapped[int | None] = mapped_column(ForeignKey("shop_room.id"))
    room: Mapped[Room | None] = relationship(lazy="raise")
    code: Mapped[str | None] = mapped_column(String(8))
    email: Mapped[str | None] = mapped_column(Text)
    day: Mapped[date | None] = mapped_column(Date)
    desk: Mapped[int | None] = mapped_column(SmallInteger)
    guests: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("day", "desk"),
        Index("uq_shop_booking_email", func.lower(email), unique=True),
        CheckConstraint("guests > 0", name="guests_positive"),
        CheckConstraint("code <> 'never'", name="code_may_be"),
        CheckConstraint("code <> 'late'", name="code_early", info={"sentence": "Come earlier."}),
        UniqueConstraint("room_id", "guests", info={"sentence": "That room is taken."}),
        ExcludeConstraint((code, "="), name="ex_shop_booking_code", using="hash"),
    )


class Note(Base):
    """Written by the service of bookings, and about as unique."""

    __tablename__ = "shop_note"
    id: Mapped[BigIntKey]
    text: Mapped[str] = mapped_column(unique=True)


class BookingAdmin(ModelAdmin, model=Booking):
    """A service of its own hands over what the form would have refused."""

    def create_row(self, session: Session, values: Values) -> Any:
        wanted = str(values.get("email") or "")
        if wanted.startswith("sql:"):
            session.execute(text(wanted.removeprefix("sql:")))
        return super().create_row(session, values)


HOSTILE = """
CREATE FUNCTION shop_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.email LIKE 'raise:%%' THEN
        RAISE EXCEPTION 'no: secret %% of table shop_booking', NEW.email
            USING ERRCODE = split_part(NEW.email, ':', 2), COLUMN = split_part(NEW.email, ':', 3);
    END IF;
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER shop_refuse BEFORE INSERT OR UPDATE ON shop_booking
FOR EACH ROW EXECUTE FUNCTION shop_refuse()
"""


BOOKED = """
INSERT INTO shop_booking (code, email, day, desk)
VALUES ('one', 'Ada@example.com', '2026-12-01', 1)
"""
TAKEN = "INSERT INTO shop_booking (room_id, guests) SELECT id, 3 FROM shop_room"
LEAKS = ("psycopg", "INSERT", "shop_", "Traceback", "secret", "ex_", "uq_", "fk_", "ck_")
OUR_OWN = re.compile(r'(value|href|action|data-lookup)="[^"]*"|<textarea.*?</textarea>', re.DOTALL)
"""What the sender wrote, and our own addresses."""


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, BookingAdmin) as client:
        connection = session.connection()
        for statement in (
            HOSTILE,
            TRIGGER,
            "INSERT INTO shop_note (text) VALUES ('taken')",
            BOOKED,
        ):
            connection.exec_driver_sql(statement)
        session.commit()
        enter(client, UserFactory.create(superuser=True))
        yield client


def refuse(shop: TestClient, **sent: str) -> tuple[int, str, str | None]:
    """Send a form; return the status, the sentence, and the field that it stands at."""
    response = shop.post("/admin/shop-booking/create", data={"code": "", **sent})
    page = response.text
    at_field = re.search(r'<p class="wrong" id="wrong-(\w+)">(.*?)</p>', page)
    on_top = re.search(r'role="alert">(.*?)</p>', page)
    shown = OUR_OWN.sub("", page)
    assert [leak for leak in LEAKS if leak in shown] == []
    found = at_field[2] if at_field else on_top[1] if on_top else ""
    return response.status_code, found, at_field[1] if at_field else None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(
            {"day": "2026-12-01", "desk": "1"},
            (409, "Another booking has the same day and desk already.", "day"),
            id="23505 of several columns",
        ),
        pytest.param(
            {"email": "ADA@example.com"},
            (409, "Another booking has this already.", "email"),
            id="23505 of an expression",
        ),
        pytest.param(
            {"email": "sql:INSERT INTO shop_note (text) VALUES ('taken')"},
            (409, "Other rows have one like this already.", None),
            id="23505 of another table",
        ),
        pytest.param(
            {"guests": "0"},
            (400, "Number must be between 1 and 2147483647.", "guests"),
            id="a rule that the form knows",
        ),
        pytest.param(
            {"email": "sql:INSERT INTO shop_booking (guests) VALUES (0)"},
            (400, "Number must be between 1 and 2147483647.", "guests"),
            id="23514 in the same words",
        ),
        pytest.param(
            {"email": "sql:INSERT INTO shop_booking (code) VALUES ('never')"},
            (400, "This breaks a rule of the data: code may be.", "code"),
            id="23514",
        ),
        pytest.param({"code": "late"}, (400, "Come earlier.", "code"), id="23514 in its own words"),
        pytest.param(
            {"email": f"sql:INSERT INTO shop_room DEFAULT VALUES; {TAKEN}; {TAKEN}"},
            (409, "That room is taken.", "room"),
            id="23505 in its own words",
        ),
        pytest.param(
            {"code": "one"}, (409, "This overlaps with another booking.", "code"), id="23P01"
        ),
        pytest.param(
            {"email": "sql:SELECT 'x'::int"},
            (400, "A value has not the form that is needed.", None),
            id="22P02",
        ),
        pytest.param(
            {"email": "sql:SELECT 2147483647 + 1"},
            (400, "A number is too large or too small.", None),
            id="22003",
        ),
        pytest.param(
            {"email": "sql:INSERT INTO shop_booking (code) VALUES ('much too long')"},
            (400, "A text is too long.", None),
            id="22001",
        ),
        pytest.param(
            {"email": "sql:SELECT '2026-13-01'::date"},
            (400, "A date or time is beyond what can be stored.", None),
            id="22008",
        ),
        pytest.param(
            {"email": "sql:INSERT INTO shop_booking (room_id) VALUES (7)"},
            (409, "What this refers to is gone.", "room"),
            id="23503",
        ),
        pytest.param(
            {"email": "sql:UPDATE audit_change SET action = action"},
            (303, "", None),
            id="42501 of no row",
        ),
        *(
            pytest.param({"email": f"raise:{code}:{column}"}, (status, said, at), id=code + column)
            for code, column, status, said, at in [
                ("P0001", "", 400, "A rule of the database refuses this.", None),
                ("P0001", "desk", 400, "A rule of the database refuses this.", "desk"),
                ("42501", "", 403, "The database does not allow this.", None),
                ("40001", "", 503, "Somebody else changed the same data at the same moment", None),
                ("40P01", "", 503, "Somebody else changed the same data at the same moment", None),
                ("55P03", "", 503, "Somebody else is changing this right now", None),
                ("57014", "", 503, "The database took too long; try again.", None),
                ("23514", "", 422, "A value breaks a rule of the data.", None),
                ("53100", "", 503, "The database has no room left.", None),
            ]
        ),
    ],
)
def test_refusal(
    shop: TestClient, sent: dict[str, str], expected: tuple[int, str, str | None]
) -> None:
    status, sentence, field = refuse(shop, **sent)
    assert (status, field) == (expected[0], expected[2])
    assert sentence.startswith(expected[1])


def test_form_is_kept(shop: TestClient) -> None:
    response = shop.post("/admin/shop-booking/create", data={"code": "one", "guests": "4"})
    assert response.status_code == 409
    assert 'value="4"' in response.text


def test_nothing_of_it_is_saved(shop: TestClient, session: Session) -> None:
    refuse(shop, code="one")
    assert session.scalar(text("SELECT count(*) FROM shop_booking")) == 1
    assert session.scalar(text("SELECT count(*) FROM audit_change")) == 0


def test_what_is_our_own_mistake_is_no_sentence(shop: TestClient) -> None:
    with pytest.raises(Exception, match="does not exist"):
        refuse(shop, email="sql:SELECT * FROM shop_nowhere")


@pytest.mark.parametrize("column", ["nowhere", "id; DROP", "room_id"])
def test_column_that_a_trigger_names(shop: TestClient, column: str) -> None:
    status, _, field = refuse(shop, email=f"raise:P0001:{column}")
    assert (status, field) == (400, "room" if column == "room_id" else None)
