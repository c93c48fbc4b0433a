"""The documentation pages: no other host is needed, and signing in works.

The browser tests run the whole application without a port: every request of the page is
answered by the test client, and one to another host is written down and refused.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from project.web.docs import mount_docs
from project.web.home import EMAIL, PASSWORD
from project.web.static import STATIC_FOLDER

ORIGIN = "http://testserver"
PAGES = ("/api/docs", "/api/docs/oauth2-redirect", "/api/redoc")
BUNDLES = sorted((STATIC_FOLDER / "vendor").glob("*/*.js"))
# A bundle may name a host in a message or a namespace; these are where they load things from.
LOADED = re.compile(rb"https?://(?:cdn|fonts|unpkg)\.[^\s\"'`]+\.(?:svg|png|js|css|woff2?)")


@dataclass
class Visit:
    """A page in a browser, what it asked other hosts for, and what it complained about."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None and "CI" not in os.environ:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, client: TestClient) -> Iterator[Visit]:
    page = browser.new_page()
    visit = Visit(page)

    def answer(route: Route) -> None:
        request = route.request
        if not request.url.startswith(f"{ORIGIN}/"):
            visit.outside.append(request.url)
            route.abort()
            return
        response = client.request(
            request.method, request.url, headers=request.headers, content=request.post_data_buffer
        )
        route.fulfill(
            status=response.status_code, headers=dict(response.headers), body=response.content
        )

    page.route("**/*", answer)
    page.on("console", lambda message: visit.complaints.append(message.text))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_anonymous(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_no_other_host(client: TestClient, path: str) -> None:
    assert "//" not in client.get(path).text


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name)
def test_a_bundle_loads_nothing_from_elsewhere(path: Path) -> None:
    assert LOADED.findall(path.read_bytes()) == []


def test_without_a_schema_there_are_no_pages() -> None:
    app = FastAPI(openapi_url=None)
    mount_docs(app)
    with TestClient(app) as client:
        assert [client.get(path).status_code for path in PAGES] == [404, 404, 404]


@pytest.mark.browser
@pytest.mark.needs("users")
def test_swagger_shows_the_api_without_the_internet(visit: Visit) -> None:
    visit.page.goto(f"{ORIGIN}/api/docs")
    expect(visit.page.locator("#operations-tag-users")).to_be_visible()
    assert (visit.outside, visit.complaints) == ([], [])


@pytest.mark.browser
@pytest.mark.needs("users", "health")
def test_redoc_shows_the_api_without_the_internet(visit: Visit) -> None:
    visit.page.goto(f"{ORIGIN}/api/redoc")
    expect(visit.page.get_by_role("menuitem", name="users")).to_be_visible()
    visit.page.get_by_placeholder("Search").fill("health")
    expect(visit.page.get_by_role("search").get_by_role("menuitem").first).to_be_visible()
    assert (visit.outside, visit.complaints) == ([], [])


@pytest.mark.browser
@pytest.mark.needs("users")
def test_signing_in_with_a_password_works_in_swagger(visit: Visit, client: TestClient) -> None:
    client.post("/api/v1/users/", json={"email": EMAIL, "password": PASSWORD})
    page = visit.page
    page.goto(f"{ORIGIN}/api/docs")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.get_by_label("username").fill(EMAIL)
    dialog.get_by_label("password").fill(PASSWORD)
    dialog.get_by_role("button", name="Apply given OAuth2 credentials").click()
    dialog.get_by_role("button", name="Close").click()
    operation = page.locator(".opblock", has_text="/api/v1/users/me").first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text(EMAIL)
