"""Looking sentences, numbers and dates up in a language."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from gettext import NullTranslations

import pytest

from project.i18n import Language, and_list, gettext, language, ngettext, noun, number, speak
from project.i18n.catalogues import ADMIN_FOLDER, load_language
from project.i18n.dates import write_day, write_moment, write_month, write_weekday


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    speak(Language("en"))


@pytest.fixture
def german() -> Language:
    found = load_language("de", [ADMIN_FOLDER])
    speak(found)
    return found


def test_english_needs_no_catalogue() -> None:
    assert gettext("Page %(page)s", page=3) == "Page 3"
    assert gettext("100 % wool") == "100 % wool"
    assert gettext("") == ""
    assert ngettext("%(num)s row", "%(num)s rows", 1) == "1 row"
    assert ngettext("%(num)s row", "%(num)s rows", 1_200) == "1,200 rows"
    assert (language().code, language().name) == ("en", "English")


def test_german(german: Language) -> None:
    assert gettext("Page %(page)s of %(pages)s", page=1, pages=2) == "Seite 1 von 2"
    assert gettext("of no catalogue") == "of no catalogue"
    assert gettext("") == ""
    assert ngettext("Import %(num)s row", "Import %(num)s rows", 1) == "1 Zeile importieren"
    assert ngettext("Import %(num)s row", "Import %(num)s rows", 0) == "0 Zeilen importieren"
    assert german.name == "Deutsch"


def test_nouns() -> None:
    assert noun("Order lines") == "order lines"
    assert and_list(["name", "owner"]) == "name and owner"
    for code in ("de", "de-AT"):
        speak(Language(code))
        assert noun("Bestellungen") == "Bestellungen"
    speak(Language("fr"))
    assert noun("Commandes") == "commandes"


def test_numbers(german: Language) -> None:
    assert number(1_234_567) == "1.234.567"
    assert number(Decimal("1234.50")) == "1.234,50"
    speak(Language("en"))
    assert number(Decimal("1234.50")) == "1,234.50"


def test_separators_are_a_message() -> None:
    class French(NullTranslations):
        def gettext(self, message: str) -> str:
            return "1\u202f234,5" if message == "1,234.5" else message

    speak(Language("fr", French()))
    assert number(Decimal("1234.5")) == "1\u202f234,5"


def test_dates(german: Language) -> None:
    day, moment = date(2026, 5, 3), datetime(2026, 12, 3, 9, 5, tzinfo=UTC)
    assert write_day(day) == "3. Mai 2026"
    assert write_moment(moment) == "3. Dez. 2026, 09:05"
    assert write_month(day) == "Mai 2026"
    assert write_weekday(day) == "So. 3. Mai"
    speak(Language("en"))
    assert (write_day(day), write_weekday(day)) == ("03 May 2026", "Sun 03 May")
    assert write_moment(moment) == "03 Dec 2026, 09:05"
