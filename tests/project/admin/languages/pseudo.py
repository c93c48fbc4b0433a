"""A made-up language: each message in brackets, so that what lies outside was not marked."""

import re
from gettext import NullTranslations
from html.parser import HTMLParser

OPEN, CLOSE = "⟦", "⟧"
KEPT = frozenset({"1,234.5"})
"""Messages that are no words: the separators of numbers."""

ATTRIBUTES = frozenset({"title", "aria-label", "placeholder", "alt", "data-label", "data-leave"})
UNSEEN = frozenset({"script", "style", "code"})
DATA = re.compile(r"Order \d+( ·)?|\S+@example\.com")
"""What the tests' rows are called."""


class Pseudo(NullTranslations):
    """Puts every message into brackets."""

    def gettext(self, message: str) -> str:
        return message if message in KEPT else f"{OPEN}{message}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.unseen = 0
        self.depth = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in UNSEEN
        for name, value in attrs:
            if name in ATTRIBUTES and value:
                self.found.append(outside(value))

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        if self.unseen:
            return
        left = []
        for character in data:
            self.depth -= character == CLOSE
            if not self.depth and character not in OPEN + CLOSE:
                left.append(character)
            self.depth += character == OPEN
        self.found.append("".join(left))


def outside(text: str) -> str:
    """Return what of a text lies outside of brackets."""
    while OPEN in text:
        text, before = re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", text), text
        if text == before:
            break
    return text


def unmarked(page: str, data: set[str]) -> list[str]:
    """Return the words of a page that went through no translation and are none of the data."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.depth == 0
    left = []
    for text in reader.found:
        for known in sorted(data, key=len, reverse=True):
            text = text.replace(known, " ")  # noqa: PLW2901 - what is left of it
        text = DATA.sub(" ", text)  # noqa: PLW2901 - the same
        if re.search(r"[^\W\d_]{2,}", text):
            left.append(" ".join(text.split()))
    return left
