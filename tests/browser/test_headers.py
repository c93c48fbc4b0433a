"""A browser obeys the headers, and every page of ours works under them."""

from collections.abc import Iterator

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.orm import Session

from apps.users.models import User
from project.application import create_application
from project.runtime import runtime_of
from project.settings import Settings
from project.web.route import Router
from tests.browser.conftest import serving
from tests.browser.test_admin import sign_in
from tests.database import TestDatabase
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]

INLINE = """<title>none</title>
<script nonce="{{ csp_nonce(request) }}">document.title = "with a nonce"</script>
<script>document.title = "without one"</script>"""


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True)
    return user


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/docs", "/api/redoc", "/admin/login"])
def test_public_pages(page: Page, site: str, path: str) -> None:
    """The fixture `page` fails the test for every violation, which a browser reports."""
    page.goto(f"{site}{path}", wait_until="networkidle")
    expect(page.locator("body")).not_to_be_empty()


def test_pages_of_the_admin(page: Page, site: str, superuser: User) -> None:
    item = ItemFactory.create()
    sign_in(page, f"{site}/admin/", superuser)
    for path in (
        "list",
        f"details/{item.id}",
        f"edit/{item.id}",
        "create",
        f"delete?pks={item.id}",
    ):
        page.goto(f"{site}/admin/items-item/{path}", wait_until="networkidle")
        expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.fixture
def inline_site(settings: Settings, database: TestDatabase) -> Iterator[str]:
    router = Router()

    @router.get("/inline")
    async def inline(request: Request) -> HTMLResponse:
        template = runtime_of(request).templates.environment.from_string(INLINE)
        return HTMLResponse(template.render(request=request))

    app = create_application(settings, database=database, env_file=None)
    app.include_router(router)
    with serving(app) as address:
        yield address


def test_a_script_runs_with_the_nonce_alone(context: BrowserContext, inline_site: str) -> None:
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{inline_site}/inline")
    assert page.title() == "with a nonce"
    assert len([text for text in complaints if "Content Security Policy" in text]) == 1
