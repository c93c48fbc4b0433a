"""Mail that leaves with its transaction, as a task."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.mail.mailers import MemoryMailer
from project.mail.message import MailNotSent, Message
from project.mail.posting import post
from project.mail.sealed import open_message, seal_message
from project.runtime import Runtime
from project.sealing import Unreadable
from project.settings import Settings
from project.tasks import GiveUp
from project.tasks.builtin import deliver_mail
from tests.database import TestDatabase

LINK = "https://example.com/reset/secret"
MAIL = Message(to=("Ada <ada@example.com>",), subject="Grüße", text=LINK, headers={"X-Kind": "a"})
JOBS = text("SELECT args::text FROM procrastinate.procrastinate_jobs")


class Refusing(MemoryMailer):
    """Takes no mail, and says whose."""

    def __init__(self, *, is_final: bool) -> None:
        super().__init__()
        self._is_final = is_final

    def send(self, message: Message) -> None:  # noqa: ARG002 - whatever it is
        raise MailNotSent("ada@example.com: 550 unknown", is_final=self._is_final)


@pytest.fixture
def by_tasks(runtime: Runtime) -> Runtime:
    mail = runtime.settings.mail.model_copy(update={"mail_via_tasks": True})
    settings = runtime.settings.model_copy(update={"mail": mail})
    return replace(runtime, settings=settings, mailer=MemoryMailer())


def arguments(database: TestDatabase) -> dict[str, str]:
    query = text("SELECT args -> 'arguments' FROM procrastinate.procrastinate_jobs")
    with database.transaction() as session:
        return dict(session.execute(query).scalar_one())


def test_it_is_a_job_that_nobody_can_read(by_tasks: Runtime, database: TestDatabase) -> None:
    with database.transaction() as session:
        post(session, by_tasks, MAIL)
    with database.transaction() as session:
        (kept,) = session.scalars(JOBS)
    assert "ada" not in kept
    assert "secret" not in kept


def test_the_job_sends_it_as_it_was(by_tasks: Runtime, database: TestDatabase) -> None:
    with database.transaction() as session:
        post(session, by_tasks, MAIL)
    told = arguments(database)
    with database.transaction() as session:
        deliver_mail.run(session, by_tasks, told)
    assert isinstance(by_tasks.mailer, MemoryMailer)
    (sent,) = by_tasks.mailer.sent
    assert (sent, sent.key) == (MAIL, MAIL.key)


def test_a_rollback_takes_it_back(by_tasks: Runtime, session: Session) -> None:
    with session.begin_nested() as savepoint:
        post(session, by_tasks, MAIL)
        savepoint.rollback()
    assert session.scalars(JOBS).all() == []


def test_without_the_setting_no_job(
    runtime: Runtime, database: TestDatabase, sent_mails: Callable[[], list[Message]]
) -> None:
    with database.transaction() as session:
        post(session, runtime, MAIL)
    with database.transaction() as session:
        assert session.scalars(JOBS).all() == []
    assert sent_mails() == [MAIL]


@pytest.mark.parametrize(("is_final", "kind"), [(True, GiveUp), (False, MailNotSent)])
def test_what_was_refused_names_no_address(
    by_tasks: Runtime, session: Session, kind: type[Exception], *, is_final: bool
) -> None:
    refusing = replace(by_tasks, mailer=Refusing(is_final=is_final))
    told = {"sealed": seal_message(by_tasks.settings, MAIL)}
    with pytest.raises(kind, match=r"a…@example\.com was not sent: a…@example\.com: 550"):
        deliver_mail.run(session, refusing, told)


def test_a_key_that_is_gone(by_tasks: Runtime, settings: Settings, session: Session) -> None:
    security = settings.security.model_copy(update={"secret_key": SecretStr("x" * 40)})
    other = settings.model_copy(update={"security": security})
    sealed = seal_message(other, MAIL)
    with pytest.raises(Unreadable):
        open_message(settings, sealed)
    with pytest.raises(GiveUp, match="SECRET_KEY"):
        deliver_mail.run(session, by_tasks, {"sealed": sealed})
