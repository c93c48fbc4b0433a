"""A mail that leaves with the transaction that it tells of."""

from sqlalchemy.orm import Session

from project.mail.message import Message
from project.mail.outbox import send_after_commit
from project.mail.sealed import seal_message
from project.runtime import Runtime
from project.tasks.builtin import deliver_mail


def post(session: Session, runtime: Runtime, message: Message) -> None:
    """Send it once the transaction is committed; never, if it is rolled back.

    With MAIL_VIA_TASKS it is a job of that transaction, which a worker does, whatever becomes
    of this process; without, this process's outbox sends it.
    """
    if runtime.settings.mail.mail_via_tasks:
        deliver_mail.enqueue(session, sealed=seal_message(runtime.settings, message))
    else:
        send_after_commit(session, runtime.outbox, message)
