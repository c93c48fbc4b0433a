"""Nobody hands out what they do not have, and somebody is always left to."""

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.users import roles, services
from apps.users.errors import AccountProtected, LastSuperuser, SuperusersOnly
from apps.users.models import ApiKey, Group, GroupPermission, User, UserGroup, UserPermission
from apps.users.permissions import SignedIn, held_permissions
from project.errors import PermissionDenied
from project.runtime import Runtime
from tests.factories.users import ApiKeyFactory, GroupFactory, UserFactory, grant, role
from tests.project.admin.support import cookie_of, enter, shown_form

MANAGER = ("users.view_user", "users.add_user", "users.change_user", "users.delete_user")
OF_GROUPS = ("users.view_group", "users.add_group", "users.change_group", "users.delete_group")


def manager(*more: str) -> User:
    """A member of staff who manages accounts, without being a superuser."""
    return grant(UserFactory.create(staff=True), *MANAGER, *OF_GROUPS, *more)


def actor(session: Session, user: User) -> SignedIn:
    row = (user.id, user.email, user.is_staff, user.is_superuser, user.has_two_factor)
    return SignedIn(row, held=held_permissions(session, user.id))


def guard(session: Session, by: User, user: User | None, **changes: Any) -> None:
    roles.guard_account(session, actor=actor(session, by), user=user, changes=changes)


@pytest.mark.parametrize("flag", roles.FLAGS)
@pytest.mark.parametrize("whom", ["self", "other", "new"])
def test_only_superusers_make_staff_and_superusers(session: Session, flag: str, whom: str) -> None:
    by = manager()
    by.is_staff = flag != "is_staff"
    user = {"self": by, "other": UserFactory.create(), "new": None}[whom]
    with pytest.raises(SuperusersOnly):
        guard(session, by, user, **{flag: True})
    guard(session, UserFactory.create(superuser=True), user, **{flag: True})


def test_flags_that_stay_are_no_matter(session: Session) -> None:
    guard(
        session, manager(), UserFactory.create(staff=False), is_staff=False, email="a@example.com"
    )


@pytest.mark.parametrize("changes", [{"permissions": {"items.change_item"}}, {"groups": None}])
def test_nobody_grants_what_they_do_not_hold(session: Session, changes: dict[str, Any]) -> None:
    if "groups" in changes:
        changes = {"groups": {role("items.change_item").id}}
    for user in (UserFactory.create(), None):
        with pytest.raises(PermissionDenied, match=r"items\.change_item"):
            guard(session, manager(), user, **changes)
        guard(session, manager("items.change_item"), user, **changes)
    by = manager()
    with pytest.raises(PermissionDenied):
        guard(session, by, by, **changes)


def test_nobody_takes_away_what_they_do_not_hold(session: Session) -> None:
    by = manager()
    grant(by, "items.view_item", group=role("items.view_item"))
    guard(session, by, by, permissions=frozenset(MANAGER + OF_GROUPS))
    user = grant(UserFactory.create(), group=role("items.add_item"))
    with pytest.raises(AccountProtected):
        guard(session, by, user, groups=frozenset())


@pytest.mark.parametrize("changes", [{}, {"email": "x@example.com"}, {"password_hash": "x"}])
def test_higher_accounts_are_left_alone(session: Session, changes: dict[str, Any]) -> None:
    higher = grant(UserFactory.create(), "items.change_item")
    for user in (UserFactory.create(superuser=True), higher):
        with pytest.raises(AccountProtected):
            guard(session, manager(), user, **changes)
    guard(session, manager("items.change_item"), higher, **changes)


def test_groups_are_bounded_too(session: Session) -> None:
    group, by = role("items.change_item"), actor(session, manager())
    for permissions in ({"items.change_item", "items.add_item"}, set[str]()):
        with pytest.raises(PermissionDenied):
            roles.guard_group(session, actor=by, group=group, permissions=permissions)
    roles.guard_group(session, actor=by, group=group, permissions=["items.change_item", *MANAGER])


@pytest.mark.parametrize("change", [{"is_superuser": False}, {"is_active": False}, None])
def test_the_last_superuser_stays(session: Session, change: dict[str, Any] | None) -> None:
    last = UserFactory.create(superuser=True)
    UserFactory.create(superuser=True, disabled=True)

    def take_away() -> None:
        if change is None:
            services.delete_user(session, user=last)
        else:
            services.change_user(session, user=last, changes=change)

    with pytest.raises(LastSuperuser):
        take_away()
    UserFactory.create(superuser=True)
    take_away()


def test_grants_are_exactly_those(session: Session) -> None:
    user = grant(UserFactory.create(), "items.view_item", "items.add_item")
    roles.set_user_permissions(session, user=user, permissions=["items.add_item", "items.x"])
    assert roles.own_permissions(session, user) == {"items.add_item", "items.x"}
    group = role("items.delete_item")
    roles.set_user_groups(session, user=user, groups=[group.id])
    assert "items.delete_item" in held_permissions(session, user.id)
    roles.set_group_permissions(session, group=group, permissions=[])
    roles.set_user_groups(session, user=user, groups=[])
    assert held_permissions(session, user.id) == {"items.add_item", "items.x"}


@pytest.fixture
def staff(client: TestClient, session: Session) -> tuple[TestClient, User]:
    """A client that somebody has signed in with who manages accounts, but is no superuser."""
    UserFactory.create(superuser=True, email="root@example.com")
    return client, enter(client, manager("items.view_item"))


def stored(session: Session, user: User) -> User:
    session.expire_all()
    return session.get_one(User, user.id)


def test_form_has_no_flags(staff: tuple[TestClient, User], session: Session) -> None:
    client, user = staff
    page = client.get(f"/admin/users-user/edit/{user.id}")
    assert "is_superuser" not in shown_form(page)
    assert 'name="is_staff"' not in page.text
    form = {**shown_form(page), "is_superuser": "y", "full_name": "Ada"}
    assert client.post(f"/admin/users-user/edit/{user.id}", data=form).status_code == 303
    assert (stored(session, user).is_superuser, user.is_staff, user.full_name) == (
        False,
        True,
        "Ada",
    )


def test_new_account_is_ordinary(staff: tuple[TestClient, User], session: Session) -> None:
    client, _ = staff
    form = {"email": "new@example.com", "is_superuser": "y", "is_staff": "y", "is_active": "y"}
    assert client.post("/admin/users-user/create", data=form).status_code == 303
    made = session.scalars(select(User).where(User.email == "new@example.com")).one()
    assert (made.is_staff, made.is_superuser, made.is_active) == (False, False, True)


@pytest.mark.parametrize("name", ["items.change_item", "users.no_such_thing"])
def test_forged_box_is_refused(staff: tuple[TestClient, User], session: Session, name: str) -> None:
    client, user = staff
    path = f"/admin/users-user/edit/{user.id}"
    response = client.post(path, data={"permissions": ["", *MANAGER, *OF_GROUPS, name]})
    assert response.status_code in {400, 403}
    assert name not in held_permissions(session, user.id)


def test_locked_boxes_survive(staff: tuple[TestClient, User], session: Session) -> None:
    """What a manager may not grant stays as it is when he saves what he may."""
    client, by = staff
    path = f"/admin/users-user/edit/{by.id}"
    grant(by, "gone.view_thing")
    page = client.get(path)
    assert "Of no installed app" in page.text
    sent = sorted({*MANAGER, *OF_GROUPS, "gone.view_thing"})
    assert client.post(path, data={"permissions": ["", *sent]}).status_code == 303
    assert roles.own_permissions(session, by) == set(sent)


@pytest.mark.parametrize("page", ["edit/{}", "delete"])
def test_superusers_account_is_out_of_reach(
    staff: tuple[TestClient, User], session: Session, page: str
) -> None:
    client, _ = staff
    root = session.scalars(select(User).where(User.is_superuser)).one()
    form = {"email": "mine@example.com", "password": "a new password", "pks": str(root.id)}
    response = client.post("/admin/users-user/" + page.format(root.id), data=form)
    assert response.status_code == 403
    assert stored(session, root).email == "root@example.com"


def test_last_superuser_in_the_admin(client: TestClient, session: Session) -> None:
    root = enter(client, UserFactory.create(superuser=True))
    form = shown_form(client.get(f"/admin/users-user/edit/{root.id}"))
    del form["is_superuser"]
    answer = client.post(f"/admin/users-user/edit/{root.id}", data=form)
    assert answer.status_code == 409
    assert "last active superuser" in answer.text
    assert client.post("/admin/users-user/delete", data={"pks": str(root.id)}).status_code == 409


def test_group_with_boxes(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    page = client.get("/admin/users-group/create").text
    assert "<legend>Items</legend>" in page
    assert 'value="items.change_item"' in page
    form = {"name": "Editors", "permissions": ["", "items.change_item", "items.view_item"]}
    assert client.post("/admin/users-group/create", data=form).status_code == 303
    group = session.scalars(select(Group)).one()
    assert roles.given_by(session, [group.id]) == {"items.change_item", "items.view_item"}
    path = f"/admin/users-group/edit/{group.id}"
    assert client.post(path, data={"name": "Readers"}).status_code == 303
    assert session.query(GroupPermission).count() == 2, "what is not sent stays"
    assert client.post(path, data={"name": "None", "permissions": ""}).status_code == 303
    assert session.query(GroupPermission).count() == 0


def test_group_of_an_account(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    group, user = GroupFactory.create(), UserFactory.create()
    form = {"groups": ["", str(group.id)], "permissions": ["", "items.add_item"]}
    assert client.post(f"/admin/users-user/edit/{user.id}", data=form).status_code == 303
    assert session.query(UserGroup).one().user_id == user.id
    assert session.query(UserPermission).one().permission == "items.add_item"
    client.post("/admin/users-user/delete", data={"pks": str(user.id)})
    assert session.query(UserGroup).count() == session.query(UserPermission).count() == 0


def test_both_who_edit_the_same_notice(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    user = UserFactory.create()
    form = shown_form(client.get(f"/admin/users-user/edit/{user.id}"))
    roles.set_user_permissions(session, user=user, permissions=["items.add_item"])
    session.commit()
    answer = client.post(f"/admin/users-user/edit/{user.id}", data={**form, "permissions": ""})
    assert answer.status_code == 409


@pytest.mark.anyio
@pytest.mark.committed
async def test_two_superusers_cannot_demote_each_other(
    async_client: AsyncClient, session: Session, runtime: Runtime
) -> None:
    first, second = (UserFactory.create(superuser=True) for _ in range(2))

    cookies = {user.id: cookie_of(user) for user in (first, second)}

    async def demote(by: User, other: User) -> int:
        answer = await async_client.post(
            f"/admin/users-user/edit/{other.id}",
            data={"email": other.email, "is_active": "y"},
            headers={"Cookie": f"lintel_admin={cookies[by.id]}"},
        )
        return answer.status_code

    statuses = await asyncio.gather(demote(first, second), demote(second, first))
    session.expire_all()
    assert session.query(User).filter_by(is_superuser=True, is_active=True).count() == 1
    assert 303 in statuses


@pytest.mark.parametrize(("whose", "status"), [("superuser", 403), ("plain", 303)])
def test_keys_of_those_who_hold_more(
    client: TestClient, session: Session, whose: str, status: int
) -> None:
    owner = UserFactory.create(superuser=whose == "superuser")
    key = ApiKeyFactory.create(user_id=owner.id)
    enter(client, manager("users.view_api_key", "users.delete_api_key"))
    response = client.post("/admin/users-api-key/delete", data={"pks": str(key.id)})
    assert response.status_code == status
    assert len(session.scalars(select(ApiKey.id)).all()) == (status == 403)
