"""What MAIL_URL may say, and what it may not."""

import traceback

import pytest

from project.mail.places import MailPlace, parse_mail_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("console:", MailPlace("console")),
        ("memory:", MailPlace("memory")),
        ("file:.data/mail", MailPlace("file", folder=".data/mail")),
        ("file:///var/mail%20out", MailPlace("file", folder="/var/mail out")),
        ("smtp://m.example", MailPlace("smtp", "", "m.example", 587, tls="starttls")),
        (
            "smtp://u%40x:p%2F%23@m.example:25?tls=none&timeout=2.5",
            MailPlace("smtp", "", "m.example", 25, "u@x", "p/#", "none", 2.5),
        ),
        ("smtps://u:p@[::1]", MailPlace("smtps", "", "::1", 465, "u", "p", "tls")),
    ],
)
def test_taken_apart(url: str, expected: MailPlace) -> None:
    assert parse_mail_url(url) == expected


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mail.example.com", "must be smtp://"),
        ("http://mail.example.com", "must be smtp://"),
        ("file:", "names no folder"),
        ("smtp://", "names no host"),
        ("smtp://u:canary@", "names no host"),
        ("smtp://u:canary/x@m.example", "names a port that is none"),
        ("smtp://u:canary\u2100x@m.example", "is no URL"),
        ("smtp://u:canary@[m.example", "is no URL"),
        ("smtp://m.example:70000", "names a port that is none"),
        ("smtp://m.example?tls=maybe", "takes tls=starttls or tls=none"),
        ("smtps://m.example?tls=none", "TLS from the first byte"),
        ("smtp://m.example?timeout=0", "takes timeout= in seconds"),
        ("smtp://m.example?timeout=soon", "takes timeout= in seconds"),
        ("smtp://m.example?retries=1", "not retries="),
    ],
)
def test_refused_without_the_password(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_mail_url(url)
    assert "canary" not in str(caught.value)


def test_password_is_not_shown() -> None:
    assert "canary" not in repr(parse_mail_url("smtp://u:canary@m.example"))


def test_cause_does_not_show_the_password_either() -> None:
    """A traceback shows causes, and urllib's quote what it stumbled over."""
    for url in ("smtp://u:canary\u2100x@m.example", "smtp://u:canary/x@m.example"):
        with pytest.raises(ValueError, match="password") as caught:
            parse_mail_url(url)
        assert "canary" not in "".join(traceback.format_exception(caught.value))
