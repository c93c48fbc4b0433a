import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.sample_things.models import SampleThing
from tests.factories.sample_things import SampleThingFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import shown_form, sign_in

URL = "/admin/sample_things-sample-thing"


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    """A client that a superuser has signed in with."""
    sign_in(client)
    return client


def test_list(admin: TestClient) -> None:
    row = SampleThingFactory.create(title="Oak & ash")
    page = admin.get(f"{URL}/list").text
    assert f'href="{URL}/edit/{row.id}"' in page
    assert "Oak &amp; ash" in page
    assert row.owner.email in page


def test_create(admin: TestClient, session: Session) -> None:
    owner = UserFactory.create()
    form = {"title": "New", "owner": owner.email}
    assert admin.post(f"{URL}/create", data=form).status_code == 303
    row = session.scalars(select(SampleThing)).one()
    assert (row.title, row.owner_id) == ("New", owner.id)


def test_edit(admin: TestClient, session: Session) -> None:
    row = SampleThingFactory.create()
    form = shown_form(admin.get(f"{URL}/edit/{row.id}"))
    assert admin.post(f"{URL}/edit/{row.id}", data={**form, "title": "Other"}).status_code == 303
    session.refresh(row)
    assert row.title == "Other"


def test_what_a_service_refuses_is_a_sentence(admin: TestClient) -> None:
    row = SampleThingFactory.create()
    form = shown_form(admin.get(f"{URL}/edit/{row.id}"))
    refused = admin.post(f"{URL}/edit/{row.id}", data={**form, "title": "  "})
    assert refused.status_code == 422
    assert "A title is needed" in refused.text


def test_delete(admin: TestClient, session: Session) -> None:
    row = SampleThingFactory.create()
    assert admin.post(f"{URL}/delete", data={"pks": str(row.id)}).status_code == 303
    assert session.scalars(select(SampleThing.id)).all() == []
