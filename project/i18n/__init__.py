"""Sentences in the language of whoever reads them: Django's `gettext`, for the admin.

    raise WrongFile(gettext("Line %(number)s is not CSV.", number=number))
    say(ngettext("%(num)s row saved.", "%(num)s rows saved.", saved))

A sentence in the code is English and the key of its translation. What is declared at the start,
labels say, stands there as it is and is looked up when it is shown: there are no lazy strings.

The standard library's gettext reads the catalogues, and the formats of dates and numbers are
messages in them: argparse has imported it by then, so it costs no start-up, and Babel stays a tool
for developers.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from gettext import NullTranslations

ENGLISH = "en"
CAPITAL_NOUNS = frozenset({"de", "lb", "nds"})
"""Languages that write nouns with a capital letter inside a sentence, too."""


@dataclass(frozen=True)
class Language:
    """A language that can be chosen, with its catalogues merged into one."""

    code: str
    """As in HTML and HTTP: `de`, `pt-BR`."""

    messages: NullTranslations = field(default_factory=NullTranslations)

    @property
    def name(self) -> str:
        """What the language calls itself; translators write it."""
        written = self.messages.gettext("English")
        return self.code if written == "English" and self.code != ENGLISH else written


_ENGLISH = Language(ENGLISH)
_current: ContextVar[Language] = ContextVar("language", default=_ENGLISH)


def language() -> Language:
    """Return the language of whoever this is written for."""
    return _current.get()


def speak(chosen: Language) -> None:
    """Go on in a language: until the request ends, or this context."""
    _current.set(chosen)


def gettext(message: str, **values: object) -> str:
    """Translate a sentence and fill it in; without values it is not filled in at all."""
    if not message:  # the empty message is the catalogue's own head
        return message
    found = _current.get().messages.gettext(message)
    return found % values if values else found


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Translate a sentence about a number of things; `%(num)s` is that, written for people."""
    found = _current.get().messages.ngettext(one, many, num)
    return found % {"num": number(num), **values}


def mark(message: str) -> str:
    """Let `makemessages` find a message that is translated elsewhere, when it is shown."""
    return message


def noun(label: str) -> str:
    """Write a label as it stands inside a sentence: `orders`, `API keys`, but `Bestellungen`."""
    if _current.get().code.partition("-")[0] in CAPITAL_NOUNS:
        return label
    return " ".join(word if word[:2].isupper() else word.lower() for word in label.split(" "))


def and_list(parts: Sequence[str]) -> str:
    """Name several things: `name and owner`."""
    return gettext(" and ").join(parts)


def number(value: object) -> str:
    """Write a number with the separators of the language."""
    written = f"{value:,}"
    return localised(written)


def localised(written: str) -> str:
    """Exchange the separators of a number that is written as `1,234.50`."""
    # Translators: this number shows the separators of your language, in German 1.234,5 say.
    example = _current.get().messages.gettext("1,234.5")
    if example == "1,234.5":
        return written
    return written.translate({ord(","): example[1], ord("."): example[-2]})
