"""What the models say of themselves."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.users.models import ApiKey
from project.admin.dashboard.model_docs import attribute_docstrings
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter

pytestmark = pytest.mark.needs("orders")


@pytest.fixture
def clerk(client: TestClient, session: Session) -> TestClient:
    enter(client, grant(UserFactory.create(staff=True), "orders.view_order"))
    return client


def test_a_model_by_its_own_words(clerk: TestClient) -> None:
    page = clerk.get("/admin/models/orders-order").text
    assert "What somebody bought at one time." in page
    assert "NUMERIC(14, 2)" in page
    assert "refers to users_user.id" in page
    assert "status IN (&#39;placed&#39;, &#39;cancelled&#39;)" in page
    assert "many OrderLine" in page


def test_only_models_that_one_may_see(clerk: TestClient) -> None:
    index = clerk.get("/admin/models").text
    assert "orders_order" in index
    assert "users_user" not in index
    assert clerk.get("/admin/models/users-user").status_code == 403
    assert clerk.get("/admin/models/nothing").status_code == 404
    # A relation to a model that is out of reach leads nowhere.
    assert "/admin/models/users-user" not in clerk.get("/admin/models/orders-order").text


def test_secrets_are_not_named(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    page = client.get("/admin/models/users-user").text
    assert "email" in page
    assert "password_hash" not in page


def test_strings_below_attributes() -> None:
    said = attribute_docstrings(ApiKey)
    assert said["prefix"] == "The part that may be seen: it names the key in lists and in the log."
    assert "user_id" not in said
