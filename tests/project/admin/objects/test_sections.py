"""Sections, read-only fields, texts made from others, links to the site, windows to add a row."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import DateTime, ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, relationship

from project.admin.objects.prepopulating import slug_of
from project.admin.views import ModelAdmin
from project.db.base import BigIntKey
from project.errors import AppError
from project.runtime import Runtime
from tests.project.admin.support import shown_form, sign_in
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    registry = registry()


class Author(Base):
    __tablename__ = "shop_author"

    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(50), unique=True)

    def __str__(self) -> str:
        return self.name


class Book(Base):
    __tablename__ = "shop_book"

    id: Mapped[BigIntKey]
    title: Mapped[str] = mapped_column(String(50))
    slug: Mapped[str] = mapped_column(String(12))
    price: Mapped[int] = mapped_column(default=10)
    cost: Mapped[int] = mapped_column(default=4)
    notes: Mapped[str | None] = mapped_column(String(50))
    printed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("shop_author.id"))
    author: Mapped[Author | None] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.title


class AuthorAdmin(ModelAdmin, model=Author):
    pass


class BookAdmin(ModelAdmin, model=Book):
    fieldsets = (
        (None, {"fields": (("title", "slug"), Book.author, "printed_at")}),
        ("Money", {"fields": ("price", "cost", "margin"), "description": "In pounds."}),
        ("Rarely", {"fields": ("notes",), "classes": ("collapse",)}),
    )
    readonly_fields = (Book.cost, "margin", "author.name")
    prepopulated_fields: ClassVar = {"slug": ("title",)}

    def margin(self, row: Book) -> str:
        return f"<b>{row.price - row.cost}</b>"

    def site_path(self, row: Book) -> str:
        return f"/books/{row.slug}"


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, BookAdmin, AuthorAdmin) as client:
        sign_in(client)
        yield client


@pytest.fixture
def book(client: TestClient, session: Session) -> Book:
    book = Book(title="Emma", slug="emma", author=Author(name="Jane"))
    session.add(book)
    session.commit()
    return book


def test_sections_stand_on_the_page(client: TestClient, book: Book) -> None:
    page = client.get("/admin/shop-book/edit/1").text
    assert page.index("<h2>Money</h2>") < page.index("In pounds.") < page.index('name="price"')
    assert "<summary>Rarely</summary>" in page
    assert page.count('class="side-by-side"') == 1
    assert "&lt;b&gt;6&lt;/b&gt;" in page
    assert "Jane" in page
    assert 'href="/books/emma"' in page


def test_mistake_opens_its_section(client: TestClient, book: Book) -> None:
    form = shown_form(client.get("/admin/shop-book/edit/1")) | {"notes": "x" * 60}
    page = client.post("/admin/shop-book/edit/1", data=form)
    assert page.status_code == 400
    assert '<details class="section" open>' in page.text
    assert '<a href="#notes">Notes</a>' in page.text


def test_what_is_read_only_is_so_on_the_server(
    client: TestClient, session: Session, book: Book
) -> None:
    form = shown_form(client.get("/admin/shop-book/edit/1"))
    assert not form.keys() & {"cost", "margin", "author.name"}
    form |= {"cost": "99", "margin": "1", "author.name": "Forged", "price": "11"}
    assert client.post("/admin/shop-book/edit/1", data=form).status_code == 303
    assert client.post("/admin/shop-book/create", data=form).status_code == 303
    session.expire_all()
    rows = session.execute(select(Book.price, Book.cost).order_by(Book.id)).all()
    assert rows == [(11, 4), (11, 4)]
    assert session.scalars(select(Author.name)).one() == "Jane"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Crème brûlée!", "creme-brulee"),
        ("Große ŁÓDŹ, Ærø", "grosse-lodz-aero"),
        ("日本", ""),
        (" A  b_c ", "a-b-c"),
    ],
)
def test_slug(title: str, slug: str) -> None:
    assert slug_of(title) == slug


def test_empty_slug_is_made_of_the_title(client: TestClient, session: Session) -> None:
    form = {"title": "Sense and Sensibility", "price": "1"}
    assert client.post("/admin/shop-book/create", data=form).status_code == 303
    assert client.post("/admin/shop-book/create", data=form | {"slug": "own"}).status_code == 303
    assert session.scalars(select(Book.slug).order_by(Book.id)).all() == ["sense-and-se", "own"]


def test_row_that_is_added_beside_a_field(client: TestClient, session: Session, book: Book) -> None:
    page = client.get("/admin/shop-book/edit/1").text
    path = "/admin/shop-author/create?_popup=1"
    assert f'href="{path}" target="_blank" data-popup="author"' in page
    assert "Save and add another" not in client.get(path).text
    assert client.post(path, data={"name": ""}).status_code == 400
    done = client.post(path, data={"name": '"Mary" <i>'})
    assert 'data-popup-name="&#34;Mary&#34; &lt;i&gt; #2"' in done.text
    form = {"title": "Lodore", "price": "1", "author": '"Mary" <i> #2'}
    assert client.post("/admin/shop-book/create", data=form).status_code == 303


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"readonly_fields": ("nothing",)}, "readonly_fields names 'nothing', which is neither"),
        ({"fieldsets": ((None, {"fields": ("nothing",)}),)}, "fieldsets names 'nothing'"),
        ({"fieldsets": ((None, {"fields": ("title", "title")}),)}, "'title', which is there twice"),
        ({"fieldsets": ((None, {"fields": ("title",), "class": ""}),)}, "'class', which is no op"),
        ({"prepopulated_fields": {"slug": ("nothing",)}}, "prepopulated_fields names 'nothing'"),
    ],
)
def test_wrong_name_ends_the_start(
    runtime: Runtime, session: Session, options: dict[str, Any], sentence: str
) -> None:
    make: Any = type(ModelAdmin)
    view = make("Wrong", (ModelAdmin,), options, model=Book)
    with pytest.raises(AppError, match=sentence), workshop(runtime, session, Base.metadata, view):
        pass
