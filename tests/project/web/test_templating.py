"""Templates: whose counts, what is escaped, what is refused; and the error pages."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from jinja2 import TemplateNotFound, UndefinedError

from project.runtime import Runtime
from project.templating import Templates

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    """Two folders, `first` before `second`, and a third that does not exist."""
    texts = {
        "first/page.html": "first",
        "second/page.html": "second",
        "second/hello.html": "Hello {{ name }}",
        "second/hello.txt": "Hello {{ name }}, {{ place }}",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    folders = [tmp_path / name for name in ("first", "second", "missing")]
    return Templates(folders, globals={"place": "here"})


def test_the_first_folder_wins(templates: Templates) -> None:
    assert templates.render("page.html") == "first"


def test_pages_are_escaped_and_mails_are_not(templates: Templates) -> None:
    assert templates.render("hello.html", name="<b>") == "Hello &lt;b&gt;"
    assert templates.render("hello.txt", name="<b>") == "Hello <b>, here"


def test_a_missing_variable_is_an_error(templates: Templates) -> None:
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        templates.render("hello.html")


def test_the_first_existing_name_is_rendered(templates: Templates) -> None:
    assert templates.render("none.html", "page.html") == "first"
    with pytest.raises(TemplateNotFound):
        templates.render("none.html")


def test_every_template_of_the_project_compiles(runtime: Runtime) -> None:
    environment = runtime.templates.environment
    of_admin = (
        "sqladmin/",
        "monitoring/",
    )  # which have filters of their own, and are rendered there
    own = environment.list_templates(filter_func=lambda name: not name.startswith(of_admin))
    assert "base.html" in own
    for name in own:
        environment.get_template(name)


def test_a_browser_gets_a_page_for_a_wrong_address(client: TestClient) -> None:
    response = client.get("/no/<such>/door", headers=BROWSER)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-store"
    assert "/no/&lt;such&gt;/door" in response.text
    assert response.headers["x-request-id"] in response.text


@pytest.mark.parametrize(
    "path", ["/%ed%a0%80", "/%00", "/%ff", "//evil.example/x", "/" + "x" * 5000]
)
def test_strange_addresses_get_the_page_too(client: TestClient, path: str) -> None:
    response = client.get(f"http://testserver{path}", headers=BROWSER)
    assert response.status_code == 404
    assert "There is no door here." in response.text


@pytest.mark.parametrize(("status", "sentence"), [(500, "Something gave way."), (418, "I&#39;m")])
def test_each_status_has_a_page(
    client: TestClient, runtime: Runtime, status: int, sentence: str
) -> None:
    page = runtime.templates.render(
        f"errors/{status}.html",
        "errors/error.html",
        status=status,
        title="I'm a teapot",
        detail="",
        request_id="",
    )
    assert sentence in page


def test_pages_have_no_inline_script_or_style(client: TestClient) -> None:
    for path in ("/", "/nowhere", "/api/docs", "/api/redoc"):
        page = client.get(path, headers=BROWSER).text
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count("<script src=")
