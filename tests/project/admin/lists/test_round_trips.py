"""An export that is imported again changes nothing, whoever imports it and in whatever format."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import DateTime, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

from project.admin.views import ModelAdmin
from project.admin.zones import COOKIE
from project.db.base import BigIntKey
from project.runtime import Runtime
from tests.project.admin.support import shown_form, sign_in
from tests.project.admin.workshop import workshop

TALK = "/admin/shop-talk"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Base(DeclarativeBase):
    registry = registry()


class Talk(Base):
    __tablename__ = "shop_talk"

    id: Mapped[BigIntKey]
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    name: Mapped[str] = mapped_column(Text, default="Talk")
    note: Mapped[str | None] = mapped_column(Text)
    doc: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class TalkAdmin(ModelAdmin, model=Talk):
    can_import = can_export = True
    column_list = ("id", "starts_at", "name", "note", "doc")
    column_export_list: ClassVar = ["id", "starts_at", "name", "note", "doc"]


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, TalkAdmin) as client:
        sign_in(client)
        client.cookies.set(COOKIE, "Europe%2FBerlin")
        yield client


def load(client: TestClient, data: str | bytes) -> Response:
    """Check a file and agree to what the check says."""
    files = {"file": ("f", data)}
    page = client.post(f"{TALK}/import", data={"check": "1"}, files=files)
    found = re.findall(r'name="(_checked|_expected)" value="([^"]*)"', page.text)
    sent = {name: unescape(value) for name, value in found}
    return client.post(f"{TALK}/import", data=sent, files=files) if sent else page


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "given",
    [
        {"starts_at": NOON.replace(microsecond=123_456)},
        {"note": ""},
        {"note": "a\r\nb"},
        {"doc": {"x": 1.5}},
        {"note": "a\u2028b"},
        {"note": "a\x0bb"},
    ],
    ids=["microseconds", "empty text", "line end", "number in JSON", "U+2028", "tab"],
)
def test_what_was_exported_changes_nothing(
    client: TestClient, session: Session, given: dict[str, Any], kind: str
) -> None:
    session.add(Talk(**given))
    session.commit()
    data = client.post(f"{TALK}/export", data={"format": kind}).content
    assert load(client, data).status_code == 303
    session.expire_all()
    talk = session.scalars(select(Talk)).one()
    assert {name: getattr(talk, name) for name in given} == given


def test_times_in_files_are_utc(client: TestClient, session: Session) -> None:
    assert load(client, f"name,starts_at\nA,{NOON.isoformat()}\n").status_code == 303
    assert session.scalars(select(Talk)).one().starts_at == NOON


def test_way_back_with_too_many_parts(client: TestClient, session: Session) -> None:
    session.add(Talk())
    session.commit()
    back = quote("a=1&" * 600)
    assert client.get(f"{TALK}/details/1?back={back}").status_code == 200
    form = shown_form(client.get(f"{TALK}/edit/1")) | {"name": "Another"}
    assert client.post(f"{TALK}/edit/1?back={back}", data=form).status_code == 303
