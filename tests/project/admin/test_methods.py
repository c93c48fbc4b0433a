"""Only POST writes; HEAD in particular is let through by every guard against other sites."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.users.models import User
from tests.factories.users import PASSWORD, UserFactory


@pytest.fixture
def admin(client: TestClient, session: Session) -> TestClient:
    user = UserFactory(superuser=True)
    form = {"username": user.email, "password": PASSWORD}
    assert client.post("/admin/login", data=form).status_code in {302, 303}
    return client


def test_head_changes_nothing(admin: TestClient, session: Session) -> None:
    user = UserFactory(staff=True)
    response = admin.head(
        f"/admin/users-user/edit/{user.id}", headers={"Sec-Fetch-Site": "cross-site"}
    )
    session.expire_all()
    kept = session.get_one(User, user.id)
    assert response.status_code == 200
    assert (kept.is_active, kept.is_staff) == (True, True)


@pytest.mark.parametrize("path", ["/admin/users-user/create", "/admin/users-user/delete"])
def test_head_creates_and_deletes_nothing(admin: TestClient, session: Session, path: str) -> None:
    before = session.query(User).count()
    admin.head(path)
    assert session.query(User).count() == before


def test_head_does_not_sign_in(client: TestClient) -> None:
    assert client.head("/admin/login").status_code == 200
    assert "set-cookie" not in client.head("/admin/login").headers
