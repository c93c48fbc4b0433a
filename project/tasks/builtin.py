"""Tasks of the machinery itself."""

from sqlalchemy.orm import Session

from project.mail.message import MailNotSent, Message, masked
from project.mail.sealed import open_message
from project.runtime import Runtime
from project.sealing import Unreadable
from project.tasks.declaring import GiveUp, Retry, task
from project.tasks.rescuing import PORTION, forget_old


@task(cron="23 * * * *", keep=False)
def forget_old_jobs(session: Session, runtime: Runtime) -> None:
    """Delete jobs that ended long ago (TASKS_KEEP_DAYS, TASKS_KEEP_FAILED_DAYS)."""
    told = runtime.settings.tasks
    if forget_old(session, days=told.keep_days, failed_days=told.keep_failed_days) >= PORTION:
        forget_old_jobs.enqueue(session)


@task(retry=Retry(times=7, wait=5.0, factor=4.0), queue="mail", keep=False)
def deliver_mail(session: Session, runtime: Runtime, sealed: str) -> None:  # noqa: ARG001 - every task has one
    """Send a mail (MAIL_VIA_TASKS); half a day of attempts, with one Message-ID."""
    try:
        message = open_message(runtime.settings, sealed)
    except Unreadable as error:
        raise GiveUp("The mail was sealed with a SECRET_KEY that is gone.") from error
    try:
        runtime.mailer.send(message)
    except MailNotSent as error:
        said = f"A mail to {_readers(message)} was not sent: {_without_addresses(error, message)}"
        raise (GiveUp(said) if error.is_final else MailNotSent(said)) from None


def _readers(message: Message) -> str:
    return ", ".join(map(masked, message.recipients))


def _without_addresses(error: MailNotSent, message: Message) -> str:
    reason = str(error)
    for address in message.recipients:
        reason = reason.replace(address, masked(address))
    return reason
