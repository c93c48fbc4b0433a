"""Mails from templates."""

from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from project.mail.message import InvalidMessage
from project.mail.rendering import render_mail
from project.runtime import Runtime
from project.templating import TEMPLATE_FOLDER, Templates

TEXT = """{% extends "mails/base.txt" %}
{% block subject %}Hello
   {{ name }}{% endblock %}
{% block text %}
Dear {{ name }}
{% endblock %}
"""


@pytest.fixture
def templates(tmp_path: Path, runtime: Runtime) -> Templates:
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "plain.txt").write_text(TEXT)
    (folder / "both.txt").write_text(TEXT)
    (folder / "both.html").write_text("<p>{{ name }}</p>")
    (folder / "bare.txt").write_text("Dear {{ name }}")
    (folder / "broken.txt").write_text(TEXT)
    (folder / "broken.html").write_text('{% extends "mails/nowhere.html" %}')
    return Templates((tmp_path, TEMPLATE_FOLDER), globals={"settings": runtime.settings})


def test_subject_and_text(templates: Templates, runtime: Runtime) -> None:
    mail = render_mail(templates, "plain", "Ada <ada@example.com>", name="Ada & Co")
    assert (mail.to, mail.subject, mail.html) == (
        ("Ada <ada@example.com>",),
        "Hello Ada & Co",
        None,
    )
    assert mail.text == f"Dear Ada & Co\n\n{runtime.settings.general.site_name}\n"


def test_html_is_escaped(templates: Templates) -> None:
    mail = render_mail(templates, "both", "ada@example.com", name="<b>")
    assert (mail.subject, mail.html) == ("Hello <b>", "<p>&lt;b&gt;</p>")


def test_a_subject_is_one_line(templates: Templates) -> None:
    mail = render_mail(templates, "plain", "ada@example.com", name="Ada\r\nBcc: eve@example.com")
    assert mail.subject == "Hello Ada Bcc: eve@example.com"


@pytest.mark.parametrize(
    ("name", "context", "error"),
    [
        ("plain", {}, UndefinedError),
        ("nothing", {}, TemplateNotFound),
        ("bare", {"name": "Ada"}, InvalidMessage),
        ("broken", {"name": "Ada"}, TemplateNotFound),
    ],
)
def test_mistakes_are_loud(
    templates: Templates, name: str, context: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        render_mail(templates, name, "ada@example.com", **context)
