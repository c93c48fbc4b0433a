"""Which language somebody gets, and catalogues that are complete, right and compiled."""

from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from project.checks import Subject
from project.errors import AppError
from project.i18n import Language
from project.i18n.catalogues import (
    ADMIN_FOLDER,
    catalogue_path,
    find_language,
    load_language,
    load_languages,
    preferred,
)
from project.management.environment import load_registry
from project.management.message_files import (
    collect,
    is_current,
    untranslated,
    wrong_translations,
)
from project.management.messages import catalogues

OFFERED = {code: Language(code) for code in ("en", "de", "pt-BR")}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("fr;q=0.9, de;q=0.4, en;q=0.3", "de"),
        ("en;q=0.3,DE;q=0.4", "de"),
        ("pt-br", "pt-BR"),
        ("pt", "en"),
        ("de;q=0", "en"),
        ("de;q=x, ;;;, *", "en"),
        ("de-" * 10_000, "de"),
    ],
)
def test_preferred(header: str, code: str) -> None:
    assert preferred(OFFERED, header, "en").code == code


def test_find_language() -> None:
    assert find_language(OFFERED, "de-CH-1996") is OFFERED["de"]
    assert find_language(OFFERED, "nds") is None


def test_a_language_without_a_catalogue() -> None:
    with pytest.raises(AppError, match=r"LANGUAGES names 'tlh'.*makemessages tlh"):
        load_languages(["en", "tlh"], [])


def test_what_is_no_catalogue(tmp_path: Path) -> None:
    path = catalogue_path(tmp_path, "de", "mo")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(AppError, match="is no catalogue"):
        load_language("de", [tmp_path])


def test_the_first_catalogue_wins(tmp_path: Path) -> None:
    own = Catalog("de")
    own.add("Save", "Speichern")
    path = catalogue_path(tmp_path, "de", "mo")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, own)
    messages = load_language("de", [tmp_path, ADMIN_FOLDER]).messages
    assert (messages.gettext("Save"), messages.gettext("Delete")) == ("Speichern", "Löschen")


def test_every_message_is_translated() -> None:
    lacking = {
        f"{source.label}, {code}": untranslated(source, code)
        for source in collect(Subject.load())
        for code in source.languages()
    }
    assert "admin, de" in lacking
    assert {place: messages for place, messages in lacking.items() if messages} == {}


def test_placeholders_and_compiled_files() -> None:
    for path, code in catalogues(load_registry()):
        assert wrong_translations(path, code) == []
        assert is_current(path, code), f"{path}: run `manage.py compilemessages`"


def test_translations_have_the_markup_of_their_message() -> None:
    for path, _ in catalogues(load_registry()):
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id and isinstance(message.id, str) and isinstance(message.string, str):
                    for mark in ("<", ">", '"'):
                        assert message.id.count(mark) == message.string.count(mark), message.id
