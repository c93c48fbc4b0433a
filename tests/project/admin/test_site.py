"""What apps add to the site."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqladmin import BaseView, ModelView, expose
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from apps.items.models import Item
from project.admin.site import AdminSite
from project.apps import AppConfig
from project.errors import AppError
from project.runtime import Runtime
from tests.factories.users import UserFactory
from tests.project.admin.support import sign_in


class Report(BaseView):
    name = "Report"

    @expose("/report", methods=["GET", "POST"])
    async def show(self, request: Request) -> Response:
        return await self.templates.TemplateResponse(request, "sqladmin/layout.html")


class Plain(ModelView, model=Item):
    name_plural = "Things"


SAMPLE = AppConfig(label="sample", title="Sample")


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    """A client of a site of the test's own, built as an app with these views would have it."""
    app = FastAPI()
    app.state.runtime = runtime
    site = AdminSite(app, runtime)
    for view in (Report, Plain):
        site.register(SAMPLE, view)
    site.seal()
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_page_of_an_app_asks_who_is_there(client: TestClient) -> None:
    assert client.get("/admin/report").status_code == 303


def test_page_of_an_app_is_in_the_menu(client: TestClient) -> None:
    sign_in(client)
    page = client.get("/admin/report")
    assert page.status_code == 200
    assert '<a class="menu-item" href="/admin/report" aria-current="page">Report</a>' in page.text
    assert "Sign out" in page.text


def test_page_of_an_app_is_guarded(client: TestClient) -> None:
    sign_in(client)
    headers = {"Sec-Fetch-Site": "same-site"}
    assert client.post("/admin/report", headers=headers).status_code == 403
    assert client.post("/admin/report").status_code == 200


def test_view_of_sqladmin_itself_works(client: TestClient) -> None:
    sign_in(client)
    assert "Things" in client.get("/admin/sample-item/list").text
    assert 'list="list-owner"' in client.get("/admin/sample-item/create").text
    owner = UserFactory.create(email="ada@example.com")
    found = client.get("/admin/sample-item/ajax/lookup?name=owner&term=ada@").json()
    assert found == {"results": [f"ada@example.com #{owner.id}"]}


def test_two_views_of_one_name_are_refused(runtime: Runtime) -> None:
    site = AdminSite(FastAPI(), runtime)
    site.register(SAMPLE, Plain)
    with pytest.raises(AppError, match="has a 'sample-item' already"):
        site.register(SAMPLE, Plain)
