"""Moments are shown and typed as the clock of whoever looks at them has it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

from project.admin.views import ModelAdmin
from project.admin.zones import COOKIE, find_zone
from project.db.base import BigIntKey
from project.runtime import Runtime
from tests.project.admin.support import shown_form, sign_in
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    registry = registry()


class Talk(Base):
    __tablename__ = "shop_talk"

    id: Mapped[BigIntKey]
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    name: Mapped[str] = mapped_column(default="Talk")


class TalkAdmin(ModelAdmin, model=Talk):
    pass


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, TalkAdmin) as client:
        sign_in(client)
        client.cookies.set(COOKIE, "Europe%2FBerlin")
        yield client


def talk_at(session: Session, moment: datetime) -> Talk:
    talk = Talk(starts_at=moment)
    session.add(talk)
    session.commit()
    return talk


def test_moments_are_in_the_zone_of_the_cookie(client: TestClient, session: Session) -> None:
    talk_at(session, datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    page = client.get("/admin/shop-talk/edit/1")
    assert shown_form(page)["starts_at"] == "2026-07-02T00:30:00"
    assert "Time in Europe/Berlin" in page.text
    assert "02 Jul 2026, 00:30" in client.get("/admin/shop-talk/details/1").text


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("2026-07-02T00:30", datetime(2026, 7, 1, 22, 30, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the earlier of two
    ],
)
def test_what_is_typed_is_in_the_zone(
    client: TestClient, session: Session, typed: str, stored: datetime
) -> None:
    talk = talk_at(session, datetime(2026, 1, 1, tzinfo=UTC))
    form = shown_form(client.get("/admin/shop-talk/edit/1")) | {"starts_at": typed}
    assert client.post("/admin/shop-talk/edit/1", data=form).status_code == 303
    session.expire_all()
    assert talk.starts_at == stored


def test_clock_that_the_browser_names_meanwhile(client: TestClient, session: Session) -> None:
    """The first page after signing in is in UTC, and its script names the zone."""
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    talk = talk_at(session, moment)
    client.cookies.delete(COOKIE)
    form = shown_form(client.get("/admin/shop-talk/edit/1")) | {"name": "Another"}
    client.cookies.set(COOKIE, "Europe%2FBerlin")
    assert client.post("/admin/shop-talk/edit/1", data=form).status_code == 303
    session.expire_all()
    assert (talk.name, talk.starts_at) == ("Another", moment)


def test_time_that_no_clock_shows(client: TestClient, session: Session) -> None:
    form = {"name": "Early", "starts_at": "2026-03-29T02:30"}
    page = client.post("/admin/shop-talk/create", data=form)
    assert page.status_code == 400
    assert "There is no such time in Europe/Berlin" in page.text


def test_later_of_two_moments_stays_what_it_is(client: TestClient, session: Session) -> None:
    later = datetime(2026, 10, 25, 1, 30, 0, 5, tzinfo=UTC)
    talk = talk_at(session, later)
    form = shown_form(client.get("/admin/shop-talk/edit/1"))
    assert form["starts_at"] == "2026-10-25T02:30:00"
    response = client.post("/admin/shop-talk/edit/1", data=form | {"name": "Renamed"})
    assert response.status_code == 303
    session.expire_all()
    assert (talk.starts_at, talk.name) == (later, "Renamed")


@pytest.mark.parametrize(
    "name", ["", "Nowhere/Here", "../../etc/passwd", "/etc/passwd", "a\0b", "Europe", "x" * 900]
)
def test_what_is_no_zone_is_utc(client: TestClient, name: str) -> None:
    assert find_zone(name) == ("UTC", UTC)
    client.cookies.set(COOKIE, "%FF%00../..")
    assert "Times: UTC" in client.get("/admin/shop-talk/list").text


@pytest.mark.parametrize(
    "typed", ["0001-01-01T00:00", "9999-12-31T23:59", "99999-01-01T00:00", "x"]
)
def test_ends_of_time(client: TestClient, session: Session, typed: str) -> None:
    client.cookies.set(COOKIE, "Asia%2FTokyo")
    response = client.post("/admin/shop-talk/create", data={"name": "x", "starts_at": typed})
    assert response.status_code in {303, 400}
