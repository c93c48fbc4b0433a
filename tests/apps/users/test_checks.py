from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from apps.users.checks import grants_are_known
from project.checks import Subject
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
