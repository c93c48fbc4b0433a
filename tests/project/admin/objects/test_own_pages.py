"""Pages of apps about one row: who opens them, and what happens to what nobody expects."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from project.admin.objects.object_page import ObjectPage
from project.errors import AppError
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter, sign_in
from tests.project.admin.test_views import build, declare

pytestmark = pytest.mark.needs("users")

PEOPLE = [
    (None, 303),
    ("users.view_user", 403),
    ("users.add_user", 403),
    ("users.change_user", 200),
]


@pytest.mark.parametrize("page", ["password", "reset-link"])
@pytest.mark.parametrize(("permission", "status"), PEOPLE)
def test_who_opens_it(
    client: TestClient, session: Session, page: str, permission: str | None, status: int
) -> None:
    path = f"/admin/users-user/{page}/{UserFactory.create().id}"
    if permission is not None:
        enter(client, grant(UserFactory.create(staff=True), permission))
    shown, sent = client.get(path, follow_redirects=False), client.post(path, data={})
    assert shown.status_code == status
    if status == 403:
        assert sent.status_code == 403
        assert f"/{page}/" not in client.get("/admin/users-user/list").text
    else:
        assert sent.status_code in {303, 400}


@pytest.mark.parametrize(
    "path",
    [
        "users-user/nothing/1",
        "users-user/password/0",
        "users-user/password/x",
        "users-user/password/%00",
        f"users-user/password/{'9' * 40}",
        "users-group/password/1",
        "items-item/password/1",
        "nothing/password/1",
        "users-user/__init__/1",
    ],
)
def test_hostile_address(client: TestClient, session: Session, path: str) -> None:
    sign_in(client)
    assert client.get(f"/admin/{path}").status_code == 404
    assert client.post(f"/admin/{path}", data={"password": "a\0b"}).status_code == 404


@pytest.mark.parametrize("name", ["edit", "history", "Big", "a/b", "", "_x"])
def test_name_that_cannot_be_an_address_ends_the_start(name: str) -> None:
    make: Any = type
    page = make("Page", (ObjectPage,), {"name": name, "label": "Page"})
    with pytest.raises(AppError, match="no name of its own"):
        build(declare({"object_pages": (page,)}))
