"""Mail by SMTP, with TLS unless `MAIL_URL` says otherwise in so many words."""

import smtplib
import socket
import ssl
from contextlib import suppress

from project.mail.message import MailNotSent, Message
from project.mail.places import MailPlace

PERMANENT = 500


class SmtpMailer:
    """A server that takes mail; one connection for each, so that none grows stale."""

    def __init__(self, place: MailPlace, sender: str) -> None:
        self._place = place
        self._sender = sender
        self._where = f"{place.host}:{place.port}"

    def __str__(self) -> str:
        way = {"tls": "TLS", "starttls": "STARTTLS", "none": "no TLS"}[self._place.tls]
        return f"the server {self._where} ({way})"

    def send(self, message: Message) -> None:
        email = message.as_email(self._sender)
        try:
            server = self._connect()
            try:
                self._enter(server)
                refused = server.send_message(email, to_addrs=message.recipients)
            except BaseException:
                server.close()
                raise
        except (smtplib.SMTPException, OSError) as error:
            raise self._explained(error) from error
        # What it says to a goodbye changes nothing: the mail is its own by now.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        if refused:  # the others have it: once more would be twice for them
            raise MailNotSent(self._refusal(refused), is_final=True)

    def _connect(self) -> smtplib.SMTP:
        host, port, timeout = self._place.host, self._place.port, self._place.timeout
        if self._place.tls == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
        return smtplib.SMTP(host, port, timeout=timeout)

    def _enter(self, server: smtplib.SMTP) -> None:
        if self._place.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if self._place.user:
            server.login(self._place.user, self._place.password)

    def _explained(self, error: Exception) -> MailNotSent:
        if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(
            error.__context__, OSError
        ):
            error = error.__context__
        is_answer = isinstance(error, smtplib.SMTPException)
        reason, is_final = self._answer(error) if is_answer else self._failure(error)
        return MailNotSent(f"The mail server {self._where} {reason}", is_final=is_final)

    def _answer(self, error: Exception) -> tuple[str, bool]:
        """Say what the server objects to, and whether trying again is in vain."""
        match error:
            case smtplib.SMTPAuthenticationError():
                code = error.smtp_code
                return "refuses the user or the password in MAIL_URL.", code >= PERMANENT
            case smtplib.SMTPNotSupportedError():
                return self._unsupported(str(error)), True
            case smtplib.SMTPRecipientsRefused():
                codes = [code for code, _ in error.recipients.values()]
                return self._refusal(error.recipients), min(codes) >= PERMANENT
            case smtplib.SMTPResponseException():
                said = _text(error.smtp_error)
                return f"answers {error.smtp_code} {said}", error.smtp_code >= PERMANENT
        return f"has broken off: {_text(str(error))}.", False

    def _failure(self, error: Exception) -> tuple[str, bool]:
        """Say why there is no talk with the server, and whether trying again is in vain."""
        match error:
            case ssl.SSLCertVerificationError():
                return f"has a certificate that is not trusted: {error.verify_message}.", True
            case ssl.SSLError():
                return "speaks no TLS at this port: smtp:// is for 587, smtps:// for 465.", False
            case socket.gaierror():
                return "is not known by this name: correct MAIL_URL.", False
            case TimeoutError():
                return f"does not answer within {self._place.timeout:g} s.", False
        reason = getattr(error, "strerror", None) or error
        return f"cannot be reached ({reason}): correct MAIL_URL, or start it.", False

    def _unsupported(self, said: str) -> str:
        if "STARTTLS" in said:
            return "offers no STARTTLS: add ?tls=none to MAIL_URL if it shall be without."
        if "AUTH" in said:
            return "offers no sign-in: take the user out of MAIL_URL."
        return "takes no address with letters beyond ASCII before its @."

    def _refusal(self, refused: dict[str, tuple[int, bytes]]) -> str:
        said = [f"{who}: {code} {_text(reason)}" for who, (code, reason) in refused.items()]
        return f"refuses {'; '.join(said)}"


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())
