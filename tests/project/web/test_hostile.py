"""Hostile values in every place that the OpenAPI document offers, by everybody.

The table is made from the document, so a new route is covered without a line here.
"""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Request, Response
from sqlalchemy.orm import Session

from tests.needs import need

Operation = dict[str, Any]

CANARY = "canary-5f3a9c"

# Written as they travel: what a client library would refuse to send is sent all the same.
HOSTILE_JSON = {
    "NUL": rf'"{CANARY}\u0000"',
    "half of a surrogate pair": rf'"{CANARY}\ud800"',
    "the other half": rf'"\udfff{CANARY}"',
    "right-to-left": rf'"\u202e{CANARY}\u2066"',
    "large integer": "1" + "0" * 20,
    "larger integer": "1" + "0" * 5000,
    "negative": "-1",
    "large exponent": "1e400",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "long text": json.dumps(CANARY * 8000),
    "null": "null",
    "empty text": '""',
    "empty object": "{}",
    "object": json.dumps({CANARY: CANARY}),
    "list": json.dumps([CANARY] * 3),
    "true": "true",
    "SQL": json.dumps(f"'; DROP TABLE users_user; -- {CANARY}"),
    "template": json.dumps(f"{{{{7*7}}}}${{7*7}}%n%s{CANARY}"),
}
HOSTILE_BODIES = {
    "nothing": b"",
    "malformed": b'{"' + CANARY.encode() + b'": ',
    "invalid UTF-8": b'{"email": "\xff\xfe' + CANARY.encode() + b'"}',
    "invalid everywhere": b"\xff\xfe\x00\xd8",
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "a word": json.dumps(CANARY).encode(),
    "a number": b"7",
    "null": b"null",
    "a list": b"[]",
    "repeated key": b'{"email": 1, "email": [], "email": "%s"}' % CANARY.encode(),
    "many keys": json.dumps({f"{CANARY}{n}": n for n in range(5000)}).encode(),
}
CONTENT_TYPES = (
    "application/json",
    "text/plain",
    "application/xml",
    "application/json; charset=utf-7",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "\xff",
    "",
)
HOSTILE_PIECES = {
    "NUL": f"{CANARY}%00",
    "invalid UTF-8": f"%ff%fe{CANARY}",
    "encoded surrogate": f"%ED%A0%80{CANARY}",
    "bad escape": f"%zz{CANARY}",
    "large integer": "1" + "0" * 20,
    "larger integer": "1" + "0" * 5000,
    "just too large": str(2**63),
    "negative": "-1",
    "zero": "0",
    "other digits": "%EF%BC%91%D9%A1",
    "float": "1.5",
    "exponent": "1e400",
    "NaN": "NaN",
    "infinity": "Infinity",
    "long text": CANARY * 4000,
    "empty": "",
    "newline": f"{CANARY}%0d%0aSet-Cookie:%20a=b",
    "SQL": quote(f"' OR 1=1 -- {CANARY}"),
    "climb": "..%2f..%2fetc%2fpasswd",
}
HOSTILE_HEADERS = {
    "Accept": ("\xff", "*/*;q=" + "9" * 5000, "text/html"),
    "Accept-Language": ("\x80" * 1000,),
    "Authorization": (
        "Bearer \xff\xfe",
        "Bearer " + CANARY * 8000,
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer",
        "Basic " + CANARY,
        "",
    ),
    "Content-Length": ("-1", "many", "9" * 30),
    "Cookie": ("\xff=" + "x" * 100_000, "session=" + CANARY),
    "Forwarded": ("for=" + CANARY,),
    "Idempotency-Key": ("\xff", CANARY + " spaced", "x" * 256, ""),
    "If-Match": ("\xff", '"' + "x" * 100_000 + '"', "*", ",,,", 'W/"' + CANARY),
    "If-None-Match": ("\xff", '"' + "x" * 100_000 + '"', "*"),
    "Origin": ("null", "https://" + CANARY),
    "Range": ("bytes=" + "0-1," * 10_000,),
    "X-Forwarded-For": ("\xff" * 100,),
    "X-Request-ID": ("\xff", CANARY + " spaced", "x" * 100_000),
}


class Attempt(NamedTuple):
    """One hostile request; `name` says what is hostile about it."""

    name: str
    method: str
    url: str
    content: bytes | None = None
    headers: dict[str, str] | None = None
    """Names and values; the characters of a value are its bytes."""


class Attacker:
    """Sends attempts as somebody, and collects what was answered badly."""

    def __init__(self, client: TestClient, sign_in: Callable[[], dict[str, str]]) -> None:
        self.client = client
        self.sign_in = sign_in
        self.credentials = sign_in()
        self.document = cast("FastAPI", client.app).openapi()
        self.count = 0
        self.faults: list[str] = []

    def operations(self) -> Iterator[tuple[str, str, Operation]]:
        """List what to attack; who has signed in leaves out what asks nobody who they are."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if "security" in operation or not self.credentials:
                    yield method.upper(), path, operation

    def send(self, attempt: Attempt) -> None:
        headers = {**self.credentials, **(attempt.headers or {})}
        response = self.client.request(
            attempt.method,
            attempt.url,
            content=attempt.content,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        )
        self.count += 1
        self.faults += [f"{attempt.method} {attempt.name}: {f}" for f in find_faults(response)]
        if response.status_code < 400 and attempt.method != "GET":
            self.credentials = self.sign_in()  # it may have been a sign-out


def find_faults(response: Response) -> Iterator[str]:
    """Say what is wrong with an answer to hostile input."""
    if response.status_code == 503 and "/health" in response.url.path:
        return  # a probe has a deadline, and the machine may be busy: that is its word for it
    if response.status_code >= 500:
        yield f"answered {response.status_code}"
    if response.status_code < 400 or not response.url.path.startswith(("/api/", "/health")):
        return
    if response.headers["content-type"] != "application/problem+json":
        yield f"{response.status_code} is {response.headers['content-type']}"
        return
    if response.request.method == "HEAD":
        return
    body = response.json()
    if body["status"] != response.status_code:
        yield "the body names another status"
    if body["request_id"] != response.headers["x-request-id"]:
        yield "the request id in the body is not the header's"
    del body["instance"]  # the path, which is echoed on purpose
    if CANARY in json.dumps(body):
        yield f"{response.status_code} echoes the input: {json.dumps(body)[:300]}"
    if CANARY in str({k: v for k, v in response.headers.items() if k != "location"}):
        yield "a header echoes the input"


ACTORS = {"anonymous": None, "user": {}, "superuser": {"superuser": True}}


@pytest.fixture(params=ACTORS.values(), ids=list(ACTORS))
def attacker(
    request: pytest.FixtureRequest, client: TestClient, session: Session
) -> Iterator[Attacker]:
    """Someone who sends hostile requests and, in the end, expects no fault to be found."""
    sign_in: Callable[[], dict[str, str]] = dict  # no headers
    if request.param is not None:
        need("users")
        person = import_module("tests.factories.users").UserFactory(**request.param)
        sign_in = partial(request.getfixturevalue("headers_for"), person)
    attacker = Attacker(client, sign_in)
    yield attacker
    # The sample apps offer hundreds of places; what is left without them may offer few.
    assert attacker.count > 50 or len(attacker.document["paths"]) < 10
    assert attacker.faults == []


def parameters(operation: Operation, place: str) -> list[str]:
    return [p["name"] for p in operation.get("parameters", ()) if p["in"] == place]


def sane_path(path: str, operation: Operation, **values: str) -> str:
    """Fill the path's parameters in: an id that is plausible, unless one is given."""
    for name in parameters(operation, "path"):
        path = path.replace(f"{{{name}}}", values.get(name, "1"))
    return path


def body_fields(document: dict[str, Any], operation: Operation) -> tuple[str, list[str]]:
    """Find a body's media type and its fields."""
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, described in content.items():
        schema = described["schema"]
        references = [s["$ref"] for s in [schema, *schema.get("anyOf", ())] if "$ref" in s]
        for name in (reference.rpartition("/")[2] for reference in references):
            schema = document["components"]["schemas"][name]
        return media_type, list(schema["properties"])
    return "", []


SANE: dict[str, Any] = {
    "email": "somebody@example.com",
    "password": "securepassword",
    "name": "Lintel",
    "price": "12.50",
    "username": "test@example.com",
    "refresh_token": "x" * 43,
    "lines": [{"item_id": 1, "quantity": 1}],
}


def test_paths(attacker: Attacker) -> None:
    for method, path, operation in attacker.operations():
        content = b"{}" if "requestBody" in operation else None
        for name in parameters(operation, "path"):
            for kind, value in HOSTILE_PIECES.items():
                url = sane_path(path, operation, **{name: value})
                attacker.send(Attempt(f"{path} {name}={kind}", method, url, content))


def test_unknown_paths(attacker: Attacker) -> None:
    for path in attacker.document["paths"]:
        for kind, value in HOSTILE_PIECES.items():
            attacker.send(Attempt(f"{path} + {kind}", "GET", f"{path.partition('{')[0]}{value}/x"))


def test_queries(attacker: Attacker) -> None:
    for method, path, operation in attacker.operations():
        url = sane_path(path, operation)
        for name in [*parameters(operation, "query"), "unknown"]:
            for kind, value in HOSTILE_PIECES.items():
                attempt = Attempt(f"{path}?{name}={kind}", method, f"{url}?{name}={value}")
                attacker.send(attempt)
        attacker.send(Attempt(f"{path} names", method, f"{url}?%ff=%00&&&==&limit=1&limit=2&[]=%"))


def test_fields(attacker: Attacker) -> None:
    for method, path, operation in attacker.operations():
        media_type, fields = body_fields(attacker.document, operation)
        if media_type == "application/json":
            attack_json_fields(attacker, method, path, sane_path(path, operation), fields)
        elif fields:
            attack_form_fields(attacker, method, path, sane_path(path, operation), fields)


def attack_json_fields(
    attacker: Attacker, method: str, path: str, url: str, fields: list[str]
) -> None:
    sane = {field: json.dumps(SANE[field]) for field in fields if field in SANE}
    for field in [*fields, "is_superuser"]:
        for kind, value in HOSTILE_JSON.items():
            pairs = (f'"{name}": {text}' for name, text in {**sane, field: value}.items())
            content = "{" + ", ".join(pairs) + "}"
            name = f"{path} {field}={kind}"
            json_type = {"Content-Type": "application/json"}
            attacker.send(Attempt(name, method, url, content.encode(), json_type))


def attack_form_fields(
    attacker: Attacker, method: str, path: str, url: str, fields: list[str]
) -> None:
    sane = {field: quote(SANE[field]) for field in fields if field in SANE}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for field in fields:
        for kind, value in HOSTILE_PIECES.items():
            content = "&".join(f"{n}={text}" for n, text in {**sane, field: value}.items())
            name = f"{path} {field}={kind}"
            attacker.send(Attempt(name, method, url, content.encode(), form))


def test_bodies(attacker: Attacker) -> None:
    for method, path, operation in attacker.operations():
        media_type, _ = body_fields(attacker.document, operation)
        url = sane_path(path, operation)
        for kind, content in HOSTILE_BODIES.items():
            headers = {"Content-Type": media_type or "application/json"}
            attacker.send(Attempt(f"{path} {kind}", method, url, content, headers))
        for content_type in CONTENT_TYPES if media_type else ():
            for content in (b"", b"{}", b"--x\r\n\xff", b'{"email": "\xff', b"email=%s"):
                headers = {"Content-Type": content_type}
                name = f"{path} {content!r} as {content_type}"
                attacker.send(Attempt(name, method, url, content, headers))


def test_headers(attacker: Attacker) -> None:
    for method, path, operation in attacker.operations():
        content = b"{}" if "requestBody" in operation else None
        for name, values in HOSTILE_HEADERS.items():
            for value in values:
                what = f"{path} {name}: {value[:20]!a}"
                url = sane_path(path, operation)
                attacker.send(Attempt(what, method, url, content, {name: value}))


def test_methods(attacker: Attacker) -> None:
    for path, methods in attacker.document["paths"].items():
        url = path.replace("{", "").replace("}", "")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
            if method.lower() not in methods:
                attacker.send(Attempt(path, method, url, b"{}"))


@pytest.mark.needs("users")
def test_token_header_of_many_brackets(client: TestClient) -> None:
    """A token's header is JSON that anybody writes; deep nesting is no error of ours."""
    for text in (b"[" * 2900, b'{"a":' * 600, b'{"alg":"HS256","kid":' + b"[" * 2800):
        header = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
        headers = {"Authorization": f"Bearer {header}.e30.c2ln"}
        response = client.get("/api/v1/users/me", headers=headers)
        assert (response.status_code, list(find_faults(response))) == (401, [])


def test_faults_are_found(client: TestClient) -> None:
    """The table itself is not blind: this is what a bad answer looks like to it."""
    bad = Response(500, text="oops", request=Request("GET", "http://testserver/api/x"))
    assert list(find_faults(bad)) == ["answered 500", "500 is text/plain; charset=utf-8"]
    echoed = client.post("/api/v1/nowhere")
    told = Response(
        404,
        headers={**echoed.headers, "x-request-id": "other"},
        json={**echoed.json(), "title": CANARY, "status": 400},
        request=echoed.request,
    )
    assert len(list(find_faults(told))) == 3
