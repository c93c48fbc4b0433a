"""Nothing that a stranger writes begins a line of a mail's header."""

from email import message_from_bytes
from email.policy import default

import pytest

from project.mail.message import InvalidMessage, Message, masked, parse_address


def message(**changes: object) -> Message:
    values = {"to": ("ada@example.com",), "subject": "Hello", "text": "Good morning.\n"}
    return Message(**{**values, **changes})  # type: ignore[arg-type]


def test_written_and_read_again() -> None:
    made = message(
        to=("Ädä Lovelace <ada@bücher.example>", "b@example.com"),
        subject="Grüße 漢",
        text="é\n" + "x" * 2000,
        html="<p>é</p>",
        headers={"Reply-To": "c@example.com"},
    )
    written = bytes(made.as_email("Shop é <shop@example.com>"))
    read = message_from_bytes(written, policy=default)
    assert written.isascii()
    assert max(map(len, written.splitlines())) < 998
    assert read["From"] == "Shop é <shop@example.com>"
    assert read["To"] == "Ädä Lovelace <ada@xn--bcher-kva.example>, b@example.com"
    assert (read["Subject"], read["Reply-To"]) == ("Grüße 漢", "c@example.com")
    assert read["Message-ID"] == f"<{made.key}@example.com>"
    assert read.get_body(("plain",)).get_content().split() == ["é", "x" * 2000]  # type: ignore[union-attr]
    assert read.get_body(("html",)).get_content().strip() == "<p>é</p>"  # type: ignore[union-attr]


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\0", "\x0b", "\x85", "\u2028"])
def test_no_line_break_in_a_header(line_break: str) -> None:
    injected = f"a{line_break}Bcc: eve@example.com"
    changes: list[dict[str, object]] = [
        {"subject": injected},
        {"headers": {"Reply-To": injected}},
        {"to": (f"{injected} <ada@example.com>",)},
        {"to": (f"ada@example.com{line_break}",)},
    ]
    for change in changes:
        with pytest.raises(InvalidMessage):
            message(**change)


@pytest.mark.parametrize(
    "address",
    [
        *("", "ada", "@example.com", "ada@", "ada@example.com, eve@example.com"),
        *("ada@example.com eve@example.com", "all: ada@example.com;", "ada@exa mple.com"),
        *(f"{'a' * 250}@example.com", "<ada@example.com", "ada@example..com", "ada@-.é" * 40),
        *("!:;?(.", ".group:", "\\\\@[", "(=.).>", "(" * 5000),
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidMessage, match="is not one address"):
        parse_address(address)


@pytest.mark.parametrize("name", ["Bcc", "to", "From", "Content-Type", "X Y", "X:Y", "X\n", ""])
def test_headers_that_are_not_given(name: str) -> None:
    with pytest.raises(InvalidMessage, match="is not a header"):
        message(headers={name: "value"})


def test_a_text_is_no_tuple_of_addresses() -> None:
    with pytest.raises(InvalidMessage, match="tuple"):
        message(to="ada@example.com")


def test_masked() -> None:
    assert masked("ada@example.com") == "a…@example.com"
