"""Whoever posts goes on at once; what was not taken is tried again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from loguru import logger

from project.application import create_application
from project.errors import ImproperlyConfigured
from project.logging import request_id
from project.mail.mailers import MemoryMailer
from project.mail.message import MailNotSent, Message
from project.mail.outbox import Outbox, send_after_commit
from project.runtime import Runtime
from project.settings import Settings
from tests.database import TestDatabase

SECONDS = 10.0


class Server(MemoryMailer):
    """Fails as often as it is told, or waits until it is let go on."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)
        self.attempts = 0
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_asked = threading.Event()

    def send(self, message: Message) -> None:
        self.attempts += 1
        self.is_asked.set()
        assert self.goes_on.wait(SECONDS)
        if self.failures:
            raise self.failures.pop(0)
        super().send(message)


@pytest.fixture
def log() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), format="{level}: {message}")
    yield lines
    logger.remove(sink)


@pytest.fixture
def outbox_of() -> Iterator[Callable[..., Outbox]]:
    made: list[Outbox] = []

    def make(server: Server, **options: object) -> Outbox:
        made.append(Outbox(server, **{"retry_after": (0.01, 0.01), **options}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for outbox in made:
        outbox.close()


def mail(number: int = 0) -> Message:
    return Message(to=(f"ada{number}@example.com",), subject="Hello", text="Hello")


def test_nobody_waits_for_the_server(outbox_of: Callable[..., Outbox]) -> None:
    server = Server()
    server.goes_on.clear()
    outbox = outbox_of(server)
    for number in range(3):
        outbox.post(mail(number))
    assert server.sent == []
    server.goes_on.set()
    assert outbox.wait(SECONDS)
    assert server.sent == [mail(0), mail(1), mail(2)]


def test_tried_again_under_the_same_key(outbox_of: Callable[..., Outbox], log: list[str]) -> None:
    server = Server(MailNotSent("busy"), MailNotSent("busy with ada0@example.com"))
    outbox, message = outbox_of(server), mail()
    outbox.post(message)
    assert outbox.wait(SECONDS)
    assert (server.attempts, server.sent[0].key) == (3, message.key)
    assert [line.split(" waits")[0] for line in log] == 2 * ["WARNING: A mail to a…@example.com"]
    assert "ada0" not in "".join(log)


@pytest.mark.parametrize(
    ("failures", "attempts"),
    [
        ([MailNotSent("no such reader", is_final=True)], 1),
        ([ImproperlyConfigured("no server")], 1),
        ([ValueError("a bug")], 1),
        (3 * [MailNotSent("busy")], 3),
    ],
)
def test_given_up_with_one_line(
    outbox_of: Callable[..., Outbox], log: list[str], failures: list[Exception], attempts: int
) -> None:
    server = Server(*failures)
    outbox = outbox_of(server)
    outbox.post(mail())
    assert outbox.wait(SECONDS)
    outbox.post(mail(1))
    assert outbox.wait(SECONDS)
    assert server.sent == [mail(1)]
    assert server.attempts == attempts + 1
    assert len([line for line in log if line.startswith("ERROR: A mail to a…@example.com")]) == 1


def test_failures_are_logged_with_the_request_that_posted(
    outbox_of: Callable[..., Outbox],
) -> None:
    ids: list[str | None] = []
    sink = logger.add(lambda _: ids.append(request_id.get()))
    outbox = outbox_of(Server(MailNotSent("busy"), MailNotSent("no", is_final=True)))
    before = request_id.set("mine")
    outbox.post(mail())
    request_id.reset(before)
    assert outbox.wait(SECONDS)
    logger.remove(sink)
    assert ids == ["mine", "mine"]


def test_too_many(outbox_of: Callable[..., Outbox], log: list[str]) -> None:
    server = Server()
    server.goes_on.clear()
    outbox = outbox_of(server, size=1)
    outbox.post(mail())
    assert server.is_asked.wait(SECONDS)
    outbox.post(mail(1))
    outbox.post(mail(2))
    server.goes_on.set()
    assert outbox.wait(SECONDS)
    assert server.sent == [mail(0), mail(1)]
    assert "1 others wait already" in log[0]


def test_closing_tries_once_more_and_names_the_rest(
    outbox_of: Callable[..., Outbox], log: list[str]
) -> None:
    server = Server(MailNotSent("busy"))
    outbox = outbox_of(server, retry_after=(3600.0,))
    outbox.post(mail())
    assert server.is_asked.wait(SECONDS)
    outbox.close(SECONDS)
    assert server.sent in ([mail()], [])  # it was at work, or waited for an hour
    server.goes_on.clear()
    server.is_asked.clear()
    outbox.post(mail(1))
    outbox.post(mail(2))
    assert server.is_asked.wait(SECONDS)
    outbox.close(0.0)
    assert "the process ends" in log[-1]
    server.goes_on.set()


@pytest.mark.committed
def test_after_the_commit_and_never_without(
    database: TestDatabase, outbox_of: Callable[..., Outbox]
) -> None:
    server = Server()
    outbox = outbox_of(server)
    with database.transaction() as session:
        send_after_commit(session, outbox, mail(1))
        assert outbox.wait(SECONDS)
        assert server.sent == []
    with suppress(ZeroDivisionError), database.transaction() as session:
        send_after_commit(session, outbox, mail(2))
        raise ZeroDivisionError
    assert outbox.wait(SECONDS)
    assert server.sent == [mail(1)]


def test_the_application_sends(runtime: Runtime, sent_mails: Callable[[], list[Message]]) -> None:
    runtime.outbox.post(mail())
    assert sent_mails() == [mail()]


@pytest.mark.anyio
async def test_the_application_sends_what_is_left_when_it_ends(
    settings: Settings, engine_database: TestDatabase
) -> None:
    application = create_application(settings, database=engine_database)
    runtime: Runtime = application.state.runtime
    server = Server()
    server.goes_on.clear()
    outbox = Outbox(server)
    application.state.runtime = replace(runtime, mailer=server, outbox=outbox)
    async with application.router.lifespan_context(application):
        outbox.post(mail())
        outbox.post(mail(1))
        server.goes_on.set()
    assert server.sent == [mail(), mail(1)]


def test_closed_too_early(outbox_of: Callable[..., Outbox], log: list[str]) -> None:
    """What was being sent is named at once, and once more when it fails; it does not wait."""
    server = Server(MailNotSent("busy"))
    server.goes_on.clear()
    outbox = outbox_of(server, retry_after=(3600.0,))
    outbox.post(mail())
    assert server.is_asked.wait(SECONDS)
    outbox.close(0.0)
    assert "may not have been sent: the process ends" in log[-1]
    server.goes_on.set()
    assert outbox.wait(SECONDS)
    assert "was not sent: busy (attempt 1)" in log[-1]
    outbox.post(mail(1))
    assert outbox.wait(SECONDS)
    assert server.sent == [mail(1)]
