"""What goes with a row is asked about as well: its permission, its rule for rows, its hook."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import ForeignKey, Select, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

from project.admin.objects.cascades import DEEPEST
from project.admin.views import ModelAdmin, Values
from project.db.base import BigIntKey
from project.errors import Conflict
from project.runtime import Runtime
from project.web.principal import Principal
from tests.factories.users import ApiKeyFactory, UserFactory, grant
from tests.project.admin.support import enter
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    registry = registry()


class Shelf(Base):
    __tablename__ = "shop_shelf"
    id: Mapped[BigIntKey]
    above_id: Mapped[int | None] = mapped_column(ForeignKey("shop_shelf.id", ondelete="CASCADE"))


class Slip(Base):
    """Has no view: nobody is asked about it, but what goes with it is."""

    __tablename__ = "shop_slip"
    id: Mapped[BigIntKey]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shop_shelf.id", ondelete="CASCADE"))


class Box(Base):
    __tablename__ = "shop_box"
    id: Mapped[BigIntKey]
    slip_id: Mapped[int] = mapped_column(ForeignKey("shop_slip.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(20))

    def __str__(self) -> str:
        return self.name


class Sealed(Conflict):
    code = "sealed"
    title = "This is sealed."


class ShelfAdmin(ModelAdmin, model=Shelf):
    pass


class BoxAdmin(ModelAdmin, model=Box):
    name_plural = "Boxes"

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:  # noqa: ARG002 - for all
        return statement.where(Box.name != "hidden")

    def authorise(
        self, session: Session, principal: Principal, action: str, row: Any, values: Values
    ) -> None:
        super().authorise(session, principal, action, row, values)
        if action == "delete" and row is not None and row.name == "sealed":
            raise Sealed


class KeptBoxAdmin(ModelAdmin, model=Box):
    name_plural, can_delete = "Boxes", False


def serve(runtime: Runtime, session: Session, box: type[ModelAdmin]) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, ShelfAdmin, box) as client:
        enter(client, UserFactory.create(superuser=True))
        session.execute(text("INSERT INTO shop_shelf DEFAULT VALUES"))
        session.execute(text("INSERT INTO shop_slip (shelf_id) VALUES (1)"))
        session.commit()
        yield client


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    yield from serve(runtime, session, BoxAdmin)


@pytest.fixture
def museum(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    yield from serve(runtime, session, KeptBoxAdmin)


def pack(session: Session, name: str) -> None:
    session.execute(text("INSERT INTO shop_box (slip_id, name) VALUES (1, :name)"), {"name": name})
    session.commit()


def shelves(session: Session) -> int:
    return session.scalar(text("SELECT count(*) FROM shop_shelf")) or 0


def refuses(client: TestClient, session: Session, sentence: str) -> bool:
    """Whether page, deletion and bulk action all refuse, for this reason."""
    there = shelves(session)
    page = client.get("/admin/shop-shelf/delete?pks=1")
    assert page.status_code == 200
    assert sentence in page.text
    assert ">Delete</button>" not in page.text
    sent = {"action": "delete_chosen", "whole_list": "1", "back": "", "_agreed": str(there)}
    answers = [
        client.post("/admin/shop-shelf/delete", data={"pks": "1"}),
        client.post("/admin/shop-shelf/action", data=sent),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert all(sentence in answer.text for answer in answers)
    return shelves(session) == there


def test_rows_without_rules_go(shop: TestClient, session: Session) -> None:
    pack(session, "open")
    assert ">Delete</button>" in shop.get("/admin/shop-shelf/delete?pks=1").text
    assert shop.post("/admin/shop-shelf/delete", data={"pks": "1"}).status_code == 303
    assert shelves(session) == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hidden", "Some boxes that would go with it are out of your reach."),
        ("sealed", "Box sealed, which would go with it: This is sealed."),
    ],
)
def test_hooks_of_what_goes_along(
    shop: TestClient, session: Session, name: str, sentence: str
) -> None:
    pack(session, "open")
    pack(session, name)
    assert refuses(shop, session, sentence)


def test_view_that_deletes_nothing(museum: TestClient, session: Session) -> None:
    pack(session, "open")
    assert refuses(museum, session, "You may not delete the boxes that would go with it.")


def test_tree_that_is_too_deep(shop: TestClient, session: Session) -> None:
    for above in range(1, DEEPEST + 2):
        statement = text("INSERT INTO shop_shelf (above_id) VALUES (:above)")
        session.execute(statement, {"above": above})
    session.commit()
    response = shop.post("/admin/shop-shelf/delete", data={"pks": "1"})
    assert response.status_code == 403
    assert f"More than {DEEPEST} levels" in response.text
    assert shop.post("/admin/shop-shelf/delete", data={"pks": "4"}).status_code == 303


@pytest.mark.needs("users")
def test_permission_on_what_goes_along(client: TestClient, session: Session) -> None:
    clerk = grant(UserFactory.create(staff=True), "users.delete_user", "users.view_user")
    enter(client, clerk)
    doomed = ApiKeyFactory.create(user_id=UserFactory.create().id).user_id
    page = client.get(f"/admin/users-user/delete?pks={doomed}").text
    assert "You may not delete the API keys that would go with it." in page
    path, sent = "/admin/users-user/delete", {"pks": str(doomed)}
    assert client.post(path, data=sent).status_code == 403
    grant(clerk, "users.delete_api_key")
    assert client.post(path, data=sent).status_code == 303
