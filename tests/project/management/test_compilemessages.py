"""Compiling catalogues, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from project.management.message_files import compiled, is_current, wrong_translations

HEAD = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(message: str, translation: str) -> Path:
        path = tmp_path / "messages.po"
        flag = "#, python-format\n" if "%(" in message else ""
        path.write_text(
            f'{HEAD}{flag}msgid "{message}"\nmsgstr "{translation}"\n', encoding="utf-8"
        )
        return path

    return write


@pytest.mark.parametrize(
    ("message", "translation"),
    [
        ("Page %(page)s", "Seite %(seite)s"),
        ("Page %(page)s", "Seite"),
        ("Page %(page)s", "Seite %(page)d"),
        ("{day} {month}", "{tag}. {month}"),
        ("{day} {month}", "{day}. {month"),
    ],
)
def test_other_placeholders(write: Write, message: str, translation: str) -> None:
    (wrong,) = wrong_translations(write(message, translation), "de")
    assert message in wrong


@pytest.mark.parametrize(
    ("message", "translation"),
    [("%(a)s of %(b)s", "%(b)s: %(a)s"), ("{day:02} {month}", "{day}. {month}"), ("Save", "")],
)
def test_right_placeholders(write: Write, message: str, translation: str) -> None:
    assert wrong_translations(write(message, translation), "de") == []


def test_what_is_out_of_date_is_known_by_its_content(write: Write) -> None:
    path = write("Save", "Sichern")
    assert not is_current(path, "de")
    path.with_suffix(".mo").write_bytes(compiled(path, "de"))
    assert is_current(path, "de")
    write("Save", "Speichern")
    assert not is_current(path, "de")
