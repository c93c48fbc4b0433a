from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from apps.users.checks import DEMO_ADMIN, demo_admin_is_gone, grants_are_known
from project.checks import Subject
from project.management.commands.demo import ADMIN_EMAIL
from tests.factories.users import UserFactory, grant, role


@pytest.fixture
def subject(session: Session) -> Subject:
    return replace(Subject.load(), connection=session.connection())


def test_known_grants(subject: Subject) -> None:
    grant(UserFactory(), "items.view_item", group=role("users.view_user"))
    assert list(grants_are_known(subject)) == []


def test_grants_of_apps_that_are_gone(subject: Subject) -> None:
    grant(UserFactory(), "shop.view_till", group=role("shop.add_till"))
    problems = list(grants_are_known(subject))
    assert [(p.id, p.obj) for p in problems] == [
        ("users.W001", "shop.add_till"),
        ("users.W001", "shop.view_till"),
    ]


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ({"email": DEMO_ADMIN, "superuser": True}, ["users.W002"]),
        ({"email": DEMO_ADMIN, "superuser": True, "disabled": True}, []),
        ({"email": DEMO_ADMIN}, []),
        ({"superuser": True}, []),
    ],
)
def test_demo_admin(session: Session, account: dict[str, Any], found: list[str]) -> None:
    UserFactory.create(**account)
    subject = Subject.load(())
    problems = demo_admin_is_gone.look(
        Subject(subject.settings, subject.application, session.connection())
    )
    assert [problem.id for problem in problems] == found


def test_it_is_the_account_of_the_demo() -> None:
    assert DEMO_ADMIN == ADMIN_EMAIL
