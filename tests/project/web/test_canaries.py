"""Secrets in places that the OpenAPI document does not name: no log and no answer repeats them.

What the document does name is attacked in `test_hostile.py`.
"""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from loguru import logger
from sqlalchemy.orm import Session

from apps.users import email_flows
from project.admin import writing
from tests.factories.users import UserFactory
from tests.project.admin.support import shown_form, sign_in

CANARY = "Canary5f3a9c-0123456789_abcdefghijklmnopqrs"
"""As long as the tokens in links, and made of the same characters."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SHOWN = re.compile(
    r'<code class="error-path">[^<]*</code>|name="username"[^>]* value="[^"@]*@[^"]*"'
)


class Place(NamedTuple):
    """A request with a secret in it."""

    method: str
    url: str
    headers: dict[str, str] | None = None
    data: dict[str, Any] | None = None
    content: bytes | None = None


HEADERS = (
    *("Authorization", "Cookie", "Proxy-Authorization", "Referer", "Origin", "User-Agent"),
    *("Accept", "Accept-Language", "Idempotency-Key", "If-Match", "Forwarded", "X-Api-Key"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-CSRF-Token", "Traceparent", "Content-Type"),
)
FORMS = ("Bearer {}", "Basic {}", "{}", "lintel_admin={}; lintel_admin_proof={}", "lk_{}")
PAGES = ("/", "/nowhere", "/api/nowhere", "/admin/", "/admin/login/code", "/api/v1/users/me")

IN_HEADERS = [
    Place("GET", page, {name: form.replace("{}", CANARY)})
    for name in HEADERS
    for form in FORMS
    for page in PAGES
]
IN_PATHS = [
    Place(method, url.replace("{}", CANARY), headers)
    for method in ("GET", "POST", "HEAD", "TRACE")
    for url in (
        *("/nowhere/{}", "/account/reset/{}/", "/account/reset/{}/x", "/ACCOUNT/verify/{}"),
        *("//account/verify/{}", "/account/../{}", "/api/v3/{}"),
        *("/account/reset/{}", "/account/verify/{}", "/account/email/{}"),
    )
    for headers in (None, {"Host": "elsewhere.example"}, {"Accept": "text/html"})
]
IN_QUERIES = [
    Place(method, f"{path}?token={CANARY}&{CANARY}=1&next=/admin/{CANARY}")
    for method in ("GET", "POST", "DELETE")
    for path in (*PAGES, "/api/v1/users", "/account/reset", "/health/live", "/admin/nowhere/list")
]
IN_FORMS = [
    Place("POST", path, headers, data)
    for path in (
        *("/account/reset", "/account/reset/password", "/account/verify", "/account/email"),
        *("/admin/login", "/admin/login/code", "/admin/login/enrol", "/admin/logout"),
        *("/admin/users-user/create", "/admin/two-factor", "/admin/users-user/delete"),
    )
    for headers in (None, {"Origin": "https://elsewhere.example"})
    for data in (
        dict.fromkeys(("token", "email", "username", "code", "next", "pks"), CANARY),
        {"username": f"{CANARY}@example.com", "password": CANARY, "email": f"{CANARY}@x.example"},
        {"token": CANARY, "password": CANARY, "repeated": f"{CANARY}x", CANARY: CANARY},
    )
]
BROKEN = [
    Place("POST", path, {"Content-Type": kind}, content=body)
    for path in ("/account/reset/password", "/admin/login")
    for kind in ("multipart/form-data; boundary=x", "application/json", *FORM.values())
    for body in (
        f"--x\r\nContent-Disposition: form-data; name={CANARY}\r\n\r\n{CANARY}".encode(),
        f'{{"password": "{CANARY}'.encode(),
        b"password=%" + CANARY.encode() + b"\xff&" * 1100,
    )
]


@pytest.fixture
def log(client: TestClient) -> Iterator[StringIO]:
    """All that is written, at every level; as in production, without the values of variables."""
    written = StringIO()
    form = "{level} {message} {extra} {exception}"
    sink = logger.add(written, level=0, format=form, diagnose=False, backtrace=False)
    yield written
    logger.remove(sink)


def send(client: TestClient, place: Place) -> Response:
    return client.request(
        place.method, place.url, headers=place.headers, data=place.data, content=place.content
    )


def find_faults(place: Place, answer: Response) -> Iterator[str]:
    """Say where an answer repeats the secret.

    To whoever sent it a problem names the path, the page in its place shows it, and a redirect
    repeats it; the form to sign in keeps an address that was typed.
    """
    if answer.status_code >= 500:
        yield f"{place} answered {answer.status_code}"
    text = SHOWN.sub("", answer.text)
    if answer.headers.get("content-type") == "application/problem+json" and text:
        text = str({**answer.json(), "instance": ""})
    headers = {name: value for name, value in answer.headers.items() if name != "location"}
    if CANARY in text or CANARY in str(headers):
        yield f"{place} is repeated"


@pytest.mark.blocks_loop(0.5)
@pytest.mark.parametrize(
    "places",
    [IN_HEADERS, IN_PATHS, IN_QUERIES, IN_FORMS, BROKEN],
    ids=["headers", "paths", "queries", "forms", "broken"],
)
def test_nothing_is_repeated(client: TestClient, log: StringIO, places: list[Place]) -> None:
    faults = [fault for place in places for fault in find_faults(place, send(client, place))]
    assert faults == []
    assert log.getvalue().count("access") >= len(places), "all of them are in the log"
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize("password", [CANARY[:7], CANARY * 7, f"ada@example.com{CANARY[:3]}"])
def test_forms_of_the_admin(
    client: TestClient, session: Session, log: StringIO, password: str
) -> None:
    """A password that is refused comes back neither in the form nor in the log."""
    sign_in(client)
    user = UserFactory.create(email="ada@example.com")
    shown = shown_form(client.get(f"/admin/users-user/edit/{user.id}"))
    for path in (f"/admin/users-user/password/{user.id}", "/admin/users-user/create"):
        answer = client.post(path, data={**shown, "password": password, "csrf": CANARY})
        assert answer.status_code in {400, 422}
        assert password not in answer.text
        assert CANARY not in answer.text
    assert "Canary" not in log.getvalue()


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("the cause")


@pytest.mark.parametrize(
    ("owner", "name", "place"),
    [
        (email_flows, "use_token", Place("POST", "/account/verify", data={"token": CANARY})),
        (email_flows, "use_token", Place("POST", "/account/email", data={"token": CANARY})),
        (
            writing,
            "open_empty",
            Place("POST", "/admin/users-user/create", data={"password": CANARY}),
        ),
    ],
)
def test_unforeseen_errors(
    client: TestClient,
    log: StringIO,
    monkeypatch: pytest.MonkeyPatch,
    *,
    owner: Any,
    name: str,
    place: Place,
) -> None:
    """The traceback is in the log; what the functions in it had been given is not."""
    sign_in(client)
    monkeypatch.setattr(owner, name, fail)
    answer = send(client, place)
    assert answer.status_code == 500
    assert CANARY not in answer.text
    assert "RuntimeError: the cause" in log.getvalue()
    assert CANARY not in log.getvalue()
