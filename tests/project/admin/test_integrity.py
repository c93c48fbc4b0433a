"""What a stock SQLAdmin did to data and sessions, and the test that keeps it from happening here.

| it did | test |
| --- | --- |
| rows made by forms of other origins | test_guard.py, tests/browser/test_admin.py: test_page_of_another_origin… |
| changes by GET: actions, signing out | test_views.py: test_action_by_get_is_refused; test_methods.py |
| a cookie worked after signing out | test_sign_in.py |
| no page to see and end sessions | test_sign_ins.py |
| deactivated staff went on | test_sign_in.py |
| `id`, foreign keys and unknown columns in a POST | items/test_admin.py: test_computed_and_excluded_columns… |
| a reference outside of the lookup was stored | test_reference_outside_the_rule, below |
| hidden rows were read and changed | test_hidden_rows, below; history/test_pages.py: test_hidden_rows… |
| passwords echoed and audited | test_secret_of_a_refused_form, below; history/test_recording.py |
| saving untouched: microseconds, JSON null, `[]`, `0`, arrays | objects/test_unchanged.py |
| a zero interval made a row unsaveable | objects/test_unchanged.py |
| `NaN` was a price | items/test_admin.py: test_wrong_values_are_sentences |
| the last write won | objects/test_conflicts.py |
| SQL and parameters on pages, in addresses | test_mistakes.py |
| deletion orphaned rows in silence | history/test_recording.py: test_default_deletion_orphans_nobody |
| the dialog said nothing of what goes | objects/test_deleting.py |
| bulk deletion half completed | test_bulk_deletion_is_all_or_nothing, below |
| audit after the commit, submitted values only | history/test_recording.py |
| plain 500 for hostile ids and queries | test_reading.py |
"""  # noqa: E501 - a table

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from apps.audit.models import Change
from apps.items.models import Item
from apps.users.models import User
from project.admin.site import AdminSite
from project.admin.views import ModelAdmin
from project.runtime import Runtime
from project.web.principal import Principal
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import enter, shown_form
from tests.project.admin.workshop import SHOP


class OwnItems(ModelAdmin, model=Item):
    form_columns = ("name", "owner")

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:
        return statement.where(Item.owner_id == principal.id)


class Staff(ModelAdmin, model=User):
    """Only these can be owners here."""

    form_columns = ("full_name",)

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:  # noqa: ARG002 - the same for all
        return statement.where(User.is_staff)


@pytest.fixture
def narrow(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.runtime = runtime
    site = AdminSite(app, runtime)
    for view in (OwnItems, Staff):
        site.register(SHOP, view)
    site.seal()
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_reference_outside_the_rule(narrow: TestClient, session: Session) -> None:
    owner, stranger = enter(narrow, UserFactory.create(superuser=True)), UserFactory.create()
    item = ItemFactory.create(owner=owner)
    path = f"/admin/shop-item/edit/{item.id}"
    form = shown_form(narrow.get(path)) | {"owner": str(stranger.id)}
    assert narrow.post(path, data=form).status_code == 422
    session.expire_all()
    assert session.get_one(Item, item.id).owner_id == owner.id


def test_hidden_rows(narrow: TestClient, session: Session) -> None:
    owner = enter(narrow, UserFactory.create(superuser=True))
    own, hidden = ItemFactory.create(owner=owner), ItemFactory.create()
    path = "/admin/shop-item"
    for page in (f"details/{hidden.id}", f"edit/{hidden.id}", f"delete?pks={hidden.id}"):
        assert narrow.get(f"{path}/{page}").status_code == 404
    form = {"name": "Taken", "owner": str(owner.id)}
    assert narrow.post(f"{path}/edit/{hidden.id}", data=form).status_code == 404
    both = {"pks": [str(own.id), str(hidden.id)]}
    assert narrow.post(f"{path}/delete", data=both).status_code == 404
    assert session.scalar(select(func.count()).select_from(Item)) == 2


def test_secret_of_a_refused_form(client: TestClient, session: Session) -> None:
    known = enter(client, UserFactory.create(superuser=True))
    secret = "a horse of another colour"
    form = {"email": known.email, "full_name": "", "password": secret, "is_active": "y"}
    response = client.post("/admin/users-user/create", data=form)
    assert response.status_code == 409
    assert secret not in response.text
    assert session.scalar(select(func.count()).select_from(Change)) == 0


def test_bulk_deletion_is_all_or_nothing(client: TestClient, session: Session) -> None:
    """The second of three is referred to: none goes, and none is said to have gone."""
    enter(client, UserFactory.create(superuser=True))
    free, owner, other = UserFactory.create(), UserFactory.create(), UserFactory.create()
    ItemFactory.create(owner=owner)
    chosen = {"pks": [str(user.id) for user in (free, owner, other)]}
    response = client.post("/admin/users-user/delete", data=chosen)
    assert response.status_code == 409
    assert "Items still refer to this" in response.text
    assert session.scalar(select(func.count()).select_from(User)) == 4
    assert session.scalar(select(func.count()).select_from(Change)) == 0
