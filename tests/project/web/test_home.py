"""The home page, and the promise that what it says to type works."""

import html
import re
import shlex
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from project.apps import Registry
from project.runtime import Runtime
from project.templating import create_templates
from project.web import home
from project.web.docs import mount_docs
from project.web.static import mount_static


def bare_application(runtime: Runtime, *, environment: str, apps: Registry) -> TestClient:
    """Build the home page over an application that serves nothing else but documentation."""
    general = runtime.settings.general.model_copy(update={"environment": environment})
    settings = runtime.settings.model_copy(update={"general": general})
    app = FastAPI(title="Bare", version="9.8.7", docs_url=None, redoc_url=None)
    app.state.runtime = replace(
        runtime, settings=settings, registry=apps, templates=create_templates(settings, apps)
    )
    app.include_router(home.router)
    mount_docs(app)
    mount_static(app)
    return TestClient(app)


def type_into_a_shell(client: TestClient, command: str) -> Response:
    """Send what this curl command would send."""
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:2] == ["curl", "-s"]
    url, options = words[2], words[3:]
    values: dict[str, list[str]] = {"-H": [], "-d": []}
    for option, value in zip(options[::2], options[1::2], strict=True):
        values[option].append(value)
    headers = dict(header.split(": ", 1) for header in values["-H"])
    if not values["-d"]:
        return client.get(url, headers=headers)
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return client.post(url, headers=headers, content="&".join(values["-d"]))


def test_anonymous(client: TestClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_head_is_answered(client: TestClient) -> None:
    assert client.head("/").status_code == 200


def test_it_names_every_installed_app(client: TestClient, runtime: Runtime) -> None:
    page = client.get("/").text
    for app in runtime.registry.apps:
        assert html.escape(app.title or app.label) in page


@pytest.mark.needs("health")
def test_every_link_leads_somewhere(client: TestClient) -> None:
    links = set(re.findall(r'(?:href|src)="(/[^"]*)"', client.get("/").text))
    assert {"/api/docs", "/api/redoc", "/api/v1/health"} <= links
    for link in links:
        assert client.get(link, follow_redirects=True).status_code == 200, link


@pytest.mark.needs("users")
def test_it_leads_to_the_admin(client: TestClient) -> None:
    assert 'href="/admin/"' in client.get("/").text


@pytest.mark.needs("users", "items")
def test_what_it_says_to_type_works(client: TestClient) -> None:
    page = client.get("/").text
    commands = [
        html.unescape(found)
        for found in re.findall(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)
    ]
    answers = [type_into_a_shell(client, command) for command in commands]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert answers[0].json()["email"] == home.EMAIL
    assert answers[1].json()["access_token"]
    assert "items" in answers[2].json()


@pytest.mark.needs("users")
def test_examples_name_the_host_that_was_asked(client: TestClient) -> None:
    page = client.get("/", headers={"Host": "localhost:8123"}).text
    assert "curl -s http://localhost:8123/api/v1/users/" in page


def test_it_shows_only_what_is_served(runtime: Runtime) -> None:
    page = bare_application(runtime, environment="development", apps=Registry(())).get("/").text
    assert 'href="/api/docs"' in page
    assert "/admin/" not in page
    assert "curl" not in page
    assert "Install a first app" in page


@pytest.mark.parametrize("secret", ["9.8.7", "/api/docs", "/api/redoc", "FastAPI", "manage.py"])
def test_production_tells_strangers_little(runtime: Runtime, secret: str) -> None:
    client = bare_application(runtime, environment="production", apps=runtime.registry)
    page = client.get("/").text
    assert "is running." in page
    assert secret not in page
