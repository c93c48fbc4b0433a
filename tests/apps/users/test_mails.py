from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO

import pytest
from loguru import logger
from sqlalchemy.orm import Session

from apps.users import background, email_flows
from apps.users.errors import WrongPassword
from apps.users.mails import can_mail, link_to, post_mail
from apps.users.models import MailToken
from project.mail.message import Message
from project.runtime import Runtime
from project.settings import Settings
from tests.database import TestDatabase
from tests.factories.users import UserFactory

Mails = Callable[[], list[Message]]


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    sink = logger.add(written, level=0, format="{message}", diagnose=False)
    yield written
    logger.remove(sink)


def deployed(settings: Settings, **general: str) -> Settings:
    update = {"environment": "production", **general}
    return settings.model_copy(update={"general": settings.general.model_copy(update=update)})


def test_links_begin_with_the_setting(settings: Settings) -> None:
    site = deployed(settings, site_url="https://shop.example")
    assert link_to(site, "/account/reset") == "https://shop.example/account/reset"


def test_deployed_without_mail(settings: Settings, runtime: Runtime, session: Session) -> None:
    """Nobody is mailed and nothing breaks; the links are not even made."""
    for silent in (deployed(settings), deployed(settings, site_url="https://shop.example")):
        assert not can_mail(silent)
    assert can_mail(settings)
    quiet = Runtime(**{**vars(runtime), "settings": deployed(settings)})
    user = UserFactory()
    email_flows.send_verification(session, quiet, user=user)
    email_flows.send_reset(session, quiet, email=user.email)
    assert session.query(MailToken).count() == 0


def test_address_that_no_mail_can_be_sent_to(
    runtime: Runtime, database: TestDatabase, sent_mails: Mails, log: StringIO
) -> None:
    """Registration may have taken it: a name grows when it is written in ASCII."""
    with database.transaction() as session:
        post_mail(session, runtime, "password_changed", f"a@{'ü' * 60}.example")
    assert sent_mails() == []
    assert "No mail can be addressed to a…@" in log.getvalue()


@pytest.mark.parametrize("fails", [False, True])
def test_mail_leaves_with_the_commit(
    runtime: Runtime, database: TestDatabase, session: Session, sent_mails: Mails, *, fails: bool
) -> None:
    user = UserFactory()
    session.commit()
    with suppress(WrongPassword), database.transaction() as work:
        email_flows.send_verification(work, runtime, user=user)
        if fails:
            raise WrongPassword
    assert len(sent_mails()) == (0 if fails else 1)


@pytest.mark.anyio
@pytest.mark.usefixtures("session")
async def test_failure_after_the_answer_is_logged(runtime: Runtime, log: StringIO) -> None:
    await background.send_reset(runtime, "nul\x00@example.com")
    assert "A mail that was asked for is not written" in log.getvalue()
