"""Collecting messages, in a copy of the project that says more than its catalogues."""

import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.copies import ProjectCopy

GERMAN = "apps/monitoring/locale/de/LC_MESSAGES/messages.po"
ADMIN = "apps/monitoring/admin.py"

pytestmark = pytest.mark.needs("users", "monitoring")


@pytest.fixture
def copy(tmp_path: Path) -> ProjectCopy:
    """A copy of the project; no command here asks a database."""
    return ProjectCopy.make(tmp_path, make_url("postgresql+psycopg://nobody@127.0.0.1:9/none"))


def test_a_new_label_is_found(copy: ProjectCopy) -> None:
    assert "'xx' is no language" in copy.expect("makemessages", "--check", "xx", code=2)
    copy.expect("makemessages", "--check")
    path = copy.root / ADMIN
    path.write_text(path.read_text().replace("Workers now", "Workers today"))
    assert "  Workers today" in copy.expect("makemessages", "--check", code=1)
    assert "Workers today" not in (copy.root / GERMAN).read_text()
    copy.expect("makemessages")
    written = (copy.root / GERMAN).read_text()
    assert 'msgid "Workers today"\nmsgstr ""' in written
    assert "Workers now" not in written
    assert 'msgid "Connections in use"\nmsgstr "Benutzte Verbindungen"' in written
    assert copy.expect("makemessages").count("16 of 17 messages") == 1
    assert (copy.root / GERMAN).read_text() == written


def test_a_new_language(copy: ProjectCopy) -> None:
    offered = {"LANGUAGES": "en,pt-BR"}
    assert "makemessages pt-BR" in copy.expect("check", code=1, env=offered)
    copy.expect("makemessages", "pt-BR", env=offered)
    written = copy.root / "project/admin/locale/pt_BR/LC_MESSAGES/messages.po"
    text = written.read_text()
    assert "Plural-Forms: nplurals=2; plural=(n > 1);" in text
    written.write_text(text.replace('msgid "Save"\nmsgstr ""', 'msgid "Save"\nmsgstr "Salvar"'))
    copy.expect("compilemessages")
    copy.expect("check", env=offered)


def test_without_babel(copy: ProjectCopy) -> None:
    (copy.root / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'babel' else find(name, *rest)\n"
    )
    env = {"PYTHONPATH": os.fspath(copy.root)}
    for command in ("makemessages", "compilemessages"):
        said = copy.expect(command, code=1, env=env)
        assert f"{command} needs Babel" in said
        assert said.count("\n") == 1
