"""What the tests of every admin page share."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.routing import Mount, Route

from apps.users.browser import start_browser_session
from apps.users.models import User
from project.admin.site import AdminSite
from tests.factories.base import current_session
from tests.factories.users import PASSWORD, UserFactory

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def sign_in(client: TestClient, user: User | None = None, *, next: str = "") -> Response:  # noqa: A002 - the field's name
    """Sign in as this account, or as a new superuser, as the form does."""
    user = user or UserFactory.create(superuser=True)
    form = {"username": user.email, "password": PASSWORD, "next": next}
    return client.post("/admin/login", data=form, headers=SAME_ORIGIN)


def shown_form(page: Response) -> dict[str, str]:
    """Return what a browser would send if nobody touched the page's form."""
    body = page.text[page.text.index('<form class="card"') :]
    values: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        attributes: dict[str, Any] = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_choice = attributes.get("type") in {"checkbox", "radio"}
        is_sent = not is_choice or re.search(r"\schecked[\s>]", tag)
        if "name" in attributes and is_sent:
            default = "y" if attributes.get("type") == "checkbox" else ""
            values[attributes["name"]] = unescape(attributes.get("value", default))
    for name, text in re.findall(
        r'<textarea[^>]*name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', body, re.DOTALL
    ):
        values[name] = unescape(text).replace("\r\n", "\n").replace("\n", "\r\n")
    for name, options in re.findall(
        r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', body, re.DOTALL
    ):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        first = re.search(r'<option value="([^"]*)"', options)
        option = chosen or first
        values[name] = unescape(option[1]) if option else ""
    return values


def cookie_of(user: User) -> str:
    """Begin a session in the admin, without the form and its slow hash."""
    session = current_session()
    cookie = start_browser_session(session, user_id=user.id, lifetime=timedelta(hours=1))
    session.commit()
    return cookie


def enter(client: TestClient, user: User) -> User:
    """Let a client be signed in as this account."""
    client.cookies.clear()
    client.cookies.set("lintel_admin", cookie_of(user))
    return user


def site_of(application: FastAPI) -> AdminSite:
    """Return the admin behind an application."""
    (mount,) = (r for r in application.routes if isinstance(r, Mount) and r.path == "/admin")
    index = next(r for r in mount.routes if isinstance(r, Route) and r.name == "index")
    site: AdminSite = index.endpoint.__self__  # type: ignore[attr-defined]
    return site
