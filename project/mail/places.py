"""What `MAIL_URL` says: who takes mail, and by which way."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SCHEMES = ("console", "file", "memory", "smtp", "smtps")
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
TIMEOUT = 10.0
WAYS = ("starttls", "none")


@dataclass(frozen=True)
class MailPlace:
    """A mail URL, taken apart."""

    scheme: str
    folder: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = ""
    """`tls` from the first byte, `starttls` before anything is said, or `none`."""

    timeout: float = TIMEOUT


def parse_mail_url(text: str) -> MailPlace:
    """Take a mail URL apart. Raises ValueError with what is wrong, and never with the password."""
    parts = _split(text)
    if parts.scheme not in SCHEMES:
        raise ValueError(
            "must be smtp://user:password@host, smtps://…, file:FOLDER, console: or memory:"
        )
    if parts.scheme == "file":
        folder = unquote(parts.netloc + parts.path)
        if not folder:
            raise ValueError("names no folder: file:.data/mail")
        return MailPlace("file", folder=folder)
    if parts.scheme not in DEFAULT_PORTS:
        return MailPlace(parts.scheme)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.hostname:
        raise ValueError("names no host: smtp://user:password@host")
    return MailPlace(
        parts.scheme,
        host=parts.hostname,
        port=_port(parts.netloc) or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=_tls(parts.scheme, options.pop("tls", None)),
        timeout=_timeout(options.pop("timeout", None), options),
    )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:  # which quotes everything up to the host
        raise ValueError("is no URL; what is special in a user or password is %XX") from None


def _port(netloc: str) -> int | None:
    try:
        return urlsplit(f"//{netloc}").port
    except ValueError:  # which quotes what may be the password
        raise ValueError("names a port that is none; a / or # in a password is %2F, %23") from None


def _tls(scheme: str, wanted: str | None) -> str:
    if scheme == "smtps":
        if wanted is not None:
            raise ValueError("smtps:// is TLS from the first byte and takes no tls=")
        return "tls"
    if wanted not in {None, *WAYS}:
        raise ValueError(f"takes tls={' or tls='.join(WAYS)}")
    return wanted or "starttls"


def _timeout(wanted: str | None, others: dict[str, str]) -> float:
    if others:
        raise ValueError(f"takes tls= and timeout=, not {next(iter(others))}=")
    try:
        seconds = float(wanted) if wanted is not None else TIMEOUT
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 600:  # noqa: PLR2004 - ten minutes
        raise ValueError("takes timeout= in seconds, 600 at most")
    return seconds
