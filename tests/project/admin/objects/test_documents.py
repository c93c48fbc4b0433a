"""JSON in a form: equal is what holds the same, however it is written; a conflict shows both."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import JSON, Text, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from project.admin.views import ModelAdmin
from project.db.base import BigIntKey
from project.errors import AppError
from project.runtime import Runtime
from tests.factories.users import UserFactory
from tests.project.admin.support import enter, shown_form
from tests.project.admin.workshop import workshop

PATH = "/admin/shop-recipe/edit/1"


class Base(DeclarativeBase):
    pass


class Recipe(Base):
    __tablename__ = "shop_recipe"

    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(default="")
    steps: Mapped[Any] = mapped_column(JSONB, nullable=True)
    notes: Mapped[Any] = mapped_column(JSON, nullable=True)


class RecipeAdmin(ModelAdmin, model=Recipe):
    form_columns = (Recipe.name, Recipe.steps)


@pytest.fixture
def kitchen(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, RecipeAdmin) as client:
        enter(client, UserFactory.create(superuser=True))
        yield client


def stored(session: Session) -> Any:
    """The document as PostgreSQL writes it, and the row's version."""
    columns = [literal_column(f"{name}::text", Text()).label(name) for name in ("steps", "xmin")]
    return session.execute(select(*columns).select_from(Recipe)).one()


@pytest.mark.parametrize(
    "written", ['{"b": 2,"a":[1.5,null]}', '\r\n{ "a": [1.50,\r\n null], "b": 2 }']
)
def test_the_same_written_in_another_way_is_no_change(
    kitchen: TestClient, session: Session, written: str
) -> None:
    session.add(Recipe(steps={"a": [1.5, None], "b": 2}))
    session.commit()
    before = stored(session)
    form = shown_form(kitchen.get(PATH))
    assert kitchen.post(PATH, data=form | {"steps": written}).status_code == 303
    assert stored(session) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [("[1]", "[true]"), ("[0]", "[false]"), ('{"a": 1}', '{"a": 1.0}'), ("[]", "{}"), ("0", "[]")],
)
def test_what_python_calls_equal_is_a_change(
    kitchen: TestClient, session: Session, before: str, after: str
) -> None:
    session.add(Recipe(steps=json.loads(before)))
    session.commit()
    form = shown_form(kitchen.get(PATH))
    assert kitchen.post(PATH, data=form | {"steps": after}).status_code == 303
    assert stored(session).steps == after


def test_a_conflict_shows_both(kitchen: TestClient, session: Session) -> None:
    recipe = Recipe(steps={"boil": 1})
    session.add(recipe)
    session.commit()
    form = shown_form(kitchen.get(PATH))
    recipe.steps = {"boil": 2}
    session.commit()
    page = kitchen.post(PATH, data=form | {"steps": '{"boil": 3}'})
    assert page.status_code == 409
    shown = re.findall(r'<span class="version-text">(.*?)</span>', page.text, re.DOTALL)
    assert [json.loads(unescape(text)) for text in shown] == [{"boil": n} for n in (1, 2, 3)]
    assert kitchen.post(PATH, data=shown_form(page)).status_code == 303
    assert stored(session).steps == '{"boil": 3}'


def test_both_wrote_the_same_document(kitchen: TestClient, session: Session) -> None:
    """One in one line, the other in several: there is nothing to decide about it."""
    recipe = Recipe(steps={"boil": 1}, name="Eggs")
    session.add(recipe)
    session.commit()
    form = shown_form(kitchen.get(PATH))
    recipe.steps = {"boil": 2, "salt": True}
    session.commit()
    sent = form | {"steps": '{"salt":true,"boil":2}', "name": "Soft eggs"}
    page = kitchen.post(PATH, data=sent)
    assert page.status_code == 409
    assert page.text.count('<fieldset class="versions">') == 1
    assert kitchen.post(PATH, data=shown_form(page)).status_code == 303
    session.refresh(recipe)
    assert (recipe.name, recipe.steps) == ("Soft eggs", {"boil": 2, "salt": True})


def test_a_document_is_shown_as_json(kitchen: TestClient, session: Session) -> None:
    session.add(Recipe(steps={"boil": None, "salt": True}, notes=["Milk", "Eier"]))
    session.commit()
    page = unescape(kitchen.get("/admin/shop-recipe/details/1").text)
    assert '{"boil": null, "salt": true}' in page
    assert "Milk, Eier" in page


def test_only_jsonb_has_an_order(runtime: Runtime, session: Session) -> None:
    class Sorted(RecipeAdmin, model=Recipe):
        column_sortable_list = ("steps", "notes")

    with (
        pytest.raises(AppError, match="'notes' is json, which PostgreSQL cannot sort"),
        workshop(runtime, session, Base.metadata, Sorted),
    ):
        pass
