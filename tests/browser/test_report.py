"""The laboratory's report in a browser: light and dark, on a desk and on a telephone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from loadtests.lab.report import write_html
from loadtests.lab.result import Result
from tests.browser.looks import examine
from tests.loadtests.lab.results import a_gate, a_run, a_sweep

pytestmark = pytest.mark.browser


@pytest.fixture
def sheet(context: BrowserContext) -> Iterator[Page]:
    """A page that is read from a file, asks nobody and breaks no policy of its own."""
    page = context.new_page()
    outside: list[str] = []
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: outside.append(request.url))
    yield page
    assert [url for url in outside if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


@pytest.mark.parametrize("build", [a_sweep, a_gate, a_run])
def test_it_can_be_read(sheet: Page, tmp_path: Path, build: object) -> None:
    assert callable(build)
    result: Result = build()
    path = tmp_path / "report.html"
    write_html(result, path)
    sheet.goto(path.as_uri())
    assert examine(sheet, f"loadtest-{result.kind}") == []


def test_numbers_open_without_a_script(sheet: Page, tmp_path: Path) -> None:
    write_html(a_sweep(), tmp_path / "report.html")
    sheet.goto((tmp_path / "report.html").as_uri())
    table = sheet.get_by_role("region", name="Numbers: Throughput of 2x8")
    assert not table.is_visible()
    sheet.get_by_text("Numbers of Throughput of 2x8").click()
    assert table.is_visible()
