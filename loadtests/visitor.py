"""Who makes a scenario's requests, over whatever carries them: Locust, or a test's client."""

import json as encoding
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from loadtests.account import SIGN_OUT, Account, bearer

Statuses = int | tuple[int, ...]
File = tuple[str, bytes, str]
"""A file's name, its content, and its type."""

UNMEASURED = "(account) "
"""Requests whose names begin so belong to no journey."""


class UnexpectedStatus(Exception):
    """An answer with a status that the journey did not expect. It ends the journey."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What goes over the wire, and what is expected to come back."""

    method: str
    path: str
    """With its values and its query string."""

    name: str
    """The path's template, under which the request is measured."""

    expect: tuple[int, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    events: int = 0
    """So many server-sent events are read, then the connection is closed; 0 reads to the end."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. The status is 0 where nothing did."""

    status: int
    content_type: str
    body: bytes

    @property
    def parsed(self) -> Any:
        """The body of a JSON answer; None for any other."""
        is_json = self.content_type.partition(";")[0].endswith("json")
        try:
            return encoding.loads(self.body) if is_json and self.body else None
        except ValueError:  # a proxy's page under the wrong name
            return None

    def complaint(self, request: Request) -> str | None:
        """What is wrong with it, in words that are the same for all such answers."""
        if self.status in request.expect:
            is_short = request.events and not is_enough(request, self.body)
            return "the stream ended before its events came" if is_short else None
        expected = " or ".join(map(str, request.expect))
        if self.status == 0:
            return f"expected {expected}, got no answer"
        parsed = self.parsed
        code = parsed.get("code") if isinstance(parsed, dict) else None
        return f"expected {expected}, got {self.status}{f' ({code})' if code else ''}"


class Transport(Protocol):
    """Carries requests, and records those whose answer has a complaint as failures.

    Of a request for events it reads until `is_enough` says so.
    """

    def send(self, request: Request) -> Answer: ...


class Visitor:
    """One simulated person. Its requests come one after the other."""

    def __init__(self, transport: Transport, account: Account | None = None) -> None:
        self._transport = transport
        self._account = account or Account()
        self._is_signed_in = False

    def get(self, template: str, **options: Any) -> Any:
        """Like `request`, as are the four below."""
        return self.request("GET", template, **options)

    def post(self, template: str, **options: Any) -> Any:
        return self.request("POST", template, **options)

    def put(self, template: str, **options: Any) -> Any:
        return self.request("PUT", template, **options)

    def patch(self, template: str, **options: Any) -> Any:
        return self.request("PATCH", template, **options)

    def delete(self, template: str, **options: Any) -> Any:
        return self.request("DELETE", template, **options)

    def request(
        self,
        method: str,
        template: str,
        *,
        expect: Statuses = 200,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        files: Mapping[str, File] | None = None,
        events: int = 0,
        headers: Mapping[str, str] | None = None,
        **path_values: Any,
    ) -> Any:
        """Make a request to `template`, filled in with `path_values`; return the parsed JSON.

        With `files` it is a form with files to upload. With `events` it reads so many
        server-sent events and goes away. Returns None for an answer without JSON. Raises
        UnexpectedStatus for an answer whose status is not in `expect`, after it was recorded
        as a failure.
        """
        kind, body = _encoded(json, files)
        return self.send(
            Request(
                method=method,
                path=fill(template, path_values, params or {}),
                name=template,
                expect=expect if isinstance(expect, tuple) else (expect,),
                headers={
                    **(self._account.headers(self) if self._is_signed_in else {}),
                    **kind,
                    **(headers or {}),
                },
                body=body,
                events=events,
            )
        )

    def send(self, request: Request) -> Any:
        """Send what is ready to be sent. Raises UnexpectedStatus."""
        answer = self._transport.send(request)
        complaint = answer.complaint(request)
        if complaint:
            raise UnexpectedStatus(f"{request.method} {request.name}: {complaint}")
        return answer.parsed

    @contextmanager
    def signed_in(self) -> Iterator[None]:
        """Send an account's token along; the account is opened before the first use."""
        self._account.headers(self)  # so that a journey's first request does not wait for it
        self._is_signed_in = True
        try:
            yield
        finally:
            self._is_signed_in = False

    @contextmanager
    def signing_in(self) -> Iterator[dict[str, str]]:
        """Sign in as somebody who comes back, measured; yield the headers, and sign out."""
        tokens = self._account.sign_in(self)
        yield bearer(tokens)
        body = {"refresh_token": tokens["refresh_token"]}
        self.post(SIGN_OUT, json=body, headers=bearer(tokens), expect=204)


def is_enough(request: Request, body: bytes) -> bool:
    """Whether all events that a request wants have come. Comments are none."""
    blocks = body.replace(b"\r\n", b"\n").split(b"\n\n")[:-1]
    return 0 < request.events <= sum(b"data:" in block for block in blocks)


def _encoded(json: Any, files: Mapping[str, File] | None) -> tuple[dict[str, str], Any]:
    """Return the headers that tell what the body is, and the body."""
    if files:
        return _form(files.items())
    if json is None:
        return {}, None
    return {"Content-Type": "application/json"}, encoding.dumps(json)


def _form(files: Iterable[tuple[str, File]]) -> tuple[dict[str, str], bytes]:
    mark = secrets.token_hex(16)
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for field, (name, content, kind) in files
    ]
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    return headers, b"".join(parts) + f"--{mark}--\r\n".encode()


def fill(template: str, path_values: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Put values into a path. Raises ValueError if the template has no such place, or another."""
    path = template
    for name, value in path_values.items():
        place = f"{{{name}}}"
        if place not in path:
            raise ValueError(f"{template} has no place called '{name}'.")
        path = path.replace(place, quote(str(value), safe=""))
    if "{" in path:
        raise ValueError(f"{template} lacks a value: {path}")
    return f"{path}?{urlencode(params, doseq=True)}" if params else path
