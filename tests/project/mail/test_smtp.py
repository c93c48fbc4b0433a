"""Mail to a real server on this machine, with and without TLS, and to none at all."""

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from project.mail.message import MailNotSent, Message
from project.mail.places import parse_mail_url
from project.mail.smtp import SmtpMailer
from tests.processes import free_port

MESSAGE = Message(to=("Ada <ada@example.com>", "b@example.com"), subject="Grüße", text="é\n")
SENDER = "Shop <shop@example.com>"


class Postbox:
    """Takes mail, and refuses whom it is told to."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.taken: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        name = address.partition("@")[0]
        if name in self.answers:
            return self.answers[name]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the same
        self, _server: Any, _session: Session, envelope: Envelope
    ) -> str:
        self.taken.append(envelope)
        return self.answers.get("DATA", "250 OK")


def authenticator(_server: Any, _session: Any, _envelope: Any, _way: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"shop", b"p/w"), handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, with its key, that nobody trusts unless told."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, form, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(encoding))
    return path


Start = Callable[..., str]


@pytest.fixture
def start(certificate: Path) -> Iterator[Start]:
    """Start a server and return host and port."""
    running: list[Controller] = []

    def begin(postbox: Postbox, *, tls: str = "none", **options: Any) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        if tls == "starttls":
            options |= {"tls_context": context}
        elif tls == "tls":
            options |= {"ssl_context": context}
        port = free_port()
        controller = Controller(postbox, hostname="127.0.0.1", port=port, **options)
        controller.start()
        running.append(controller)
        return f"127.0.0.1:{port}"

    yield begin
    for controller in running:
        controller.stop()


def send(url: str, message: Message = MESSAGE) -> None:
    SmtpMailer(parse_mail_url(url), SENDER).send(message)


def test_in_the_open(start: Start) -> None:
    postbox = Postbox()
    send(f"smtp://{start(postbox)}?tls=none")
    (taken,) = postbox.taken
    assert (taken.mail_from, taken.rcpt_tos) == (
        "shop@example.com",
        ["ada@example.com", "b@example.com"],
    )
    read = message_from_bytes(taken.content or b"", policy=default)  # type: ignore[arg-type]
    assert (read["Subject"], read["To"]) == ("Grüße", "Ada <ada@example.com>, b@example.com")


@pytest.mark.parametrize(("scheme", "tls"), [("smtp", "starttls"), ("smtps", "tls")])
def test_with_tls_and_a_password(
    start: Start, certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, tls: str
) -> None:
    postbox = Postbox()
    # What is TLS from the first byte, aiosmtpd takes for none.
    place = start(postbox, tls=tls, authenticator=authenticator, auth_require_tls=tls == "starttls")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send(f"{scheme}://shop:p%2Fw@{place}")
    assert len(postbox.taken) == 1
    with pytest.raises(MailNotSent, match="refuses the user or the password") as caught:
        send(f"{scheme}://shop:wrong@{place}")
    assert caught.value.is_final
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "tls", "complaint"),
    [
        ("smtp", "starttls", "has a certificate that is not trusted"),
        ("smtps", "tls", "has a certificate that is not trusted"),
        ("smtp", "none", "offers no STARTTLS: add .tls=none"),
        ("smtps", "none", "speaks no TLS at this port"),
    ],
)
def test_never_in_the_open_by_mistake(start: Start, scheme: str, tls: str, complaint: str) -> None:
    postbox = Postbox()
    with pytest.raises(MailNotSent, match=complaint):
        send(f"{scheme}://shop:secret@{start(postbox, tls=tls)}")
    assert postbox.taken == []


@pytest.mark.parametrize(
    ("answers", "is_final", "complaint"),
    [
        ({"ada": "550 no such", "b": "550 no"}, True, "ada@example.com: 550 no such; b@"),
        ({"ada": "450 later", "b": "550 no"}, False, "ada@example.com: 450 later"),
        ({"b": "450 later"}, True, "refuses b@example.com: 450 later"),
        ({"DATA": "554 spam"}, True, "answers 554 spam"),
        ({"DATA": "451 full"}, False, "answers 451 full"),
    ],
)
def test_what_the_server_refuses(
    start: Start, answers: dict[str, str], is_final: bool, complaint: str
) -> None:
    with pytest.raises(MailNotSent, match=complaint) as caught:
        send(f"smtp://{start(Postbox(**answers))}?tls=none")
    assert caught.value.is_final is is_final
    assert "\n" not in str(caught.value)


def test_letters_beyond_ascii_before_the_at(start: Start) -> None:
    message = Message(to=("ädä@example.com",), subject="Hello", text="Hello")
    plain, modern = Postbox(), Postbox()
    with pytest.raises(MailNotSent, match="takes no address with letters beyond ASCII"):
        send(f"smtp://{start(plain, enable_SMTPUTF8=False)}?tls=none", message)
    send(f"smtp://{start(modern)}?tls=none", message)
    assert modern.taken[0].rcpt_tos == ["ädä@example.com"]


def test_nobody_there() -> None:
    with pytest.raises(MailNotSent, match=r"127\.0\.0\.1:\d+ cannot be reached") as caught:
        send(f"smtp://127.0.0.1:{free_port()}")
    assert not caught.value.is_final


def test_a_server_that_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(MailNotSent, match=r"does not answer within 0\.2 s"):
            send(f"smtp://127.0.0.1:{silent.getsockname()[1]}?timeout=0.2")
