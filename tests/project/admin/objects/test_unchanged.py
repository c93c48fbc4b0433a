"""A form that nobody touched changes nothing, whatever the columns hold."""

import enum
import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import (
    ARRAY,
    DateTime,
    Float,
    Integer,
    Interval,
    Numeric,
    String,
    Text,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import INET, JSON, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from project.admin.views import ModelAdmin
from project.db.base import BigIntKey
from project.runtime import Runtime
from tests.project.admin.support import shown_form, sign_in
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    red = "r"
    green = "g"


class Thing(Base):
    __tablename__ = "shop_thing"

    id: Mapped[BigIntKey]
    moment: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    local: Mapped[datetime | None] = mapped_column(DateTime())
    day: Mapped[date | None]
    hour: Mapped[time | None]
    span: Mapped[timedelta | None] = mapped_column(Interval)
    document: Mapped[Any] = mapped_column(JSONB, nullable=True)
    old_document: Mapped[Any] = mapped_column(JSON, nullable=True)
    words: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    numbers: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    exact: Mapped[Decimal | None] = mapped_column(Numeric)
    weight: Mapped[float | None] = mapped_column(Float(53))
    count: Mapped[int | None]
    flag: Mapped[bool | None]
    sure: Mapped[bool] = mapped_column(default=False)
    colour: Mapped[Colour | None]
    label: Mapped[str | None] = mapped_column(String(50))
    body: Mapped[str | None] = mapped_column(Text)
    key: Mapped[uuid.UUID | None]
    address: Mapped[Any] = mapped_column(INET, nullable=True)


class ThingAdmin(ModelAdmin, model=Thing):
    pass


AWKWARD: dict[str, tuple[str, list[str]]] = {
    "microseconds": ("moment", ["'2026-11-22 22:03:38.977767+00'", "'2026-11-22 22:03:38+00'"]),
    "moments without a zone": ("local", ["'2026-03-29 02:30:00.000001'", "'0001-01-01'"]),
    "days": ("day", ["'2026-02-28'", "'0001-01-01'", "'9999-12-31'"]),
    "hours": ("hour", ["'00:00:00'", "'23:59:59.999999'", "'10:11:12'", "'10:11'"]),
    "spans": ("span", ["'0'", "'1 day 00:00:00.000001'", "'-3 hours'", "'400 days'"]),
    "documents": (
        "document",
        ["'null'", "'[]'", "'{}'", "'0'", "'false'", "'\"\"'", "'[1.10, null]'", "'{\"a\": []}'"],
    ),
    "documents as text": ("old_document", ["'null'", "'[]'", '\'{"b":1,  "a":2.0}\'', "'0'"]),
    "texts in a list": ("words", ["'{}'", "'{\"\"}'", "'{a,b}'", '\'{"a,b"," c "}\'', "'{NULL}'"]),
    "numbers in a list": ("numbers", ["'{}'", "'{0}'", "'{3,1,2}'", "'{NULL,1}'"]),
    "trailing zeros": ("price", ["0", "1.5000", "-0.1000", "99999999.9999"]),
    "numbers without a scale": ("exact", ["1.50", "0.00", "1e20", "0.000000000000000000001"]),
    "floats": ("weight", ["0", "0.1", "1e300", "-2.5", "1e-7"]),
    "integers": ("count", ["0", "-1", "2147483647"]),
    "maybes": ("flag", ["true", "false"]),
    "yes and no": ("sure", ["true"]),
    "choices": ("colour", ["'red'", "'green'"]),
    "short texts": ("label", ["''", "' a '", "'a \"b\" <c> &amp;'", "'\t'"]),
    "long texts": (
        "body",
        ["''", r"E'a\r\nb\nc'", r"E'\nfirst'", r"E'\r\n\r\nx\r'", "'  x  '", "' '"],
    ),
    "keys": ("key", ["'00000000-0000-0000-0000-000000000000'"]),
    "addresses": ("address", ["'10.0.0.1'", "'10.0.0.0/8'", "'::1'"]),
}
CASES = [
    pytest.param(column, value, id=f"{title}: {value}")
    for title, (column, values) in AWKWARD.items()
    for value in ["NULL", *values]
    if (column, value) != ("sure", "NULL")
]


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, ThingAdmin) as client:
        sign_in(client)
        yield client


def stored(session: Session) -> tuple[Any, ...]:
    """All that PostgreSQL has of the one row, as it writes it, and the row's version."""
    names = [column.name for column in Thing.__table__.columns]
    columns: list[Any] = [literal_column(f"{name}::text") for name in names]
    row = session.execute(select(*columns, literal_column("xmin::text")).select_from(Thing)).one()
    return tuple(row)


@pytest.mark.parametrize(("column", "value"), CASES)
def test_saving_what_nobody_touched(
    client: TestClient, session: Session, column: str, value: str
) -> None:
    others = "" if column == "sure" else ", sure"
    rest = "" if column == "sure" else ", false"
    statement = f"INSERT INTO shop_thing ({column}{others}) VALUES ({value}{rest})"  # noqa: S608 - the table above
    session.connection().exec_driver_sql(statement)
    session.commit()
    before = stored(session)
    page = client.get("/admin/shop-thing/edit/1")
    assert page.status_code == 200
    response = client.post("/admin/shop-thing/edit/1", data={**shown_form(page), "save": "Save"})
    assert response.status_code == 303, response.text
    assert stored(session) == before
