"""Routes that ask for a permission, and who gets through."""

from collections.abc import Callable, Iterator
from typing import Annotated

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from apps.users.models import Group, User
from apps.users.permissions import AskedTooLate, SignedIn
from project.errors import AppError
from project.runtime import Runtime
from project.web.permissions import Requires, refuse_unknown_permissions
from project.web.principal import CurrentPrincipal, Principal
from project.web.problems import install_error_handlers
from project.web.route import Router
from project.web.transaction import AsyncDbSession, DbSession, InTransaction
from tests.conftest import QueryBudget
from tests.factories.users import UserFactory, grant, role

Editor = Annotated[Principal, Requires("items.change_item")]
EditorOrStaff = Annotated[Principal, Requires("items.change_item", or_staff=True)]
Misspelt = Annotated[Principal, Requires("items.chang_item")]
SignIn = Callable[[User], dict[str, str]]

router = Router()


@router.get("/edit")
def edit(editor: Editor) -> str:
    return editor.email


@router.get("/help")
def help_out(editor: EditorOrStaff) -> str:
    return editor.email


@router.get("/waiting")
async def wait(session: AsyncDbSession, editor: Editor) -> str:
    return editor.email


@router.get("/plain")
def plain(principal: CurrentPrincipal) -> str:
    return principal.email


@router.get("/twice")
def twice(editor: Editor, principal: CurrentPrincipal) -> bool:
    return principal.has_permission("items.add_item")


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.runtime = runtime
    install_error_handlers(app)
    app.include_router(router)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/edit", "/help", "/waiting"])
def test_anonymous(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/edit", "/help", "/waiting"])
def test_without(client: TestClient, headers_for: SignIn, path: str) -> None:
    user = grant(UserFactory(), "items.view_item", "items.chang", group=role("items.add_item"))
    answer = client.get(path, headers=headers_for(user))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer.json()["detail"] == "This needs the permission items.change_item."


@pytest.mark.parametrize("path", ["/edit", "/help", "/waiting"])
def test_by_oneself_and_by_group(client: TestClient, headers_for: SignIn, path: str) -> None:
    alone = grant(UserFactory(), "items.change_item")
    member = grant(UserFactory(), group=role("items.change_item"))
    for user in (alone, member, UserFactory(superuser=True)):
        assert client.get(path, headers=headers_for(user)).status_code == 200


def test_staff_without(client: TestClient, headers_for: SignIn) -> None:
    headers = headers_for(UserFactory(staff=True))
    assert client.get("/edit", headers=headers).status_code == 403
    assert client.get("/help", headers=headers).status_code == 200


def test_taken_away_at_once(client: TestClient, headers_for: SignIn, session: Session) -> None:
    user = grant(UserFactory(), group=role("items.change_item"))
    headers = headers_for(user)
    assert client.get("/edit", headers=headers).status_code == 200
    session.delete(session.query(Group).one())
    session.commit()
    assert client.get("/edit", headers=headers).status_code == 403


def test_disabled_holder(client: TestClient, headers_for: SignIn, session: Session) -> None:
    headers = headers_for(grant(UserFactory(), "items.change_item"))
    session.execute(update(User).values(is_active=False))
    session.commit()
    assert client.get("/edit", headers=headers).status_code == 401


@pytest.mark.parametrize(("path", "queries"), [("/plain", 1), ("/edit", 2), ("/twice", 2)])
def test_only_who_asks_pays(
    client: TestClient, headers_for: SignIn, max_queries: QueryBudget, path: str, queries: int
) -> None:
    headers = headers_for(grant(UserFactory(), "items.change_item"))
    with max_queries(queries):
        assert client.get(path, headers=headers).status_code == 200


def test_superuser_costs_no_query(
    client: TestClient, headers_for: SignIn, max_queries: QueryBudget
) -> None:
    headers = headers_for(UserFactory(superuser=True))
    with max_queries(1):
        assert client.get("/edit", headers=headers).status_code == 200


def test_misspelt_one_ends_the_start(runtime: Runtime) -> None:
    broken = Router()

    def provider(editor: Misspelt) -> str:
        return editor.email

    @broken.get("/broken")
    def route(session: DbSession, email: Annotated[str, InTransaction(provider)]) -> str:
        return email

    app = FastAPI()
    app.include_router(broken)
    message = (
        r"^The route /broken asks for the permission 'items.chang_item': .* 'items.change_item'"
    )
    with pytest.raises(AppError, match=message):
        refuse_unknown_permissions(app, runtime.permissions)


def test_asked_too_late(runtime: Runtime, session: Session) -> None:

    late = SignedIn((1, "a@example.com", False, False, False), session=session)
    with pytest.raises(AskedTooLate):
        late.has_permission("items.change_item")
