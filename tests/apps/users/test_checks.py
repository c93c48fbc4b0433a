from typing import Any

import pytest
from sqlalchemy.orm import Session

from apps.users.checks import DEMO_ADMIN, demo_admin_is_gone
from project.checks import Subject
from project.management.commands.demo import ADMIN_EMAIL
from tests.factories.users import UserFactory


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ({"email": DEMO_ADMIN, "superuser": True}, ["users.W001"]),
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
