"""Who makes a scenario's requests, over whatever carries them: Locust, or a test's client."""

import json as encoding
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from loadtests.account import Account

Statuses = int | tuple[int, ...]


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
    body: str | None = None


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
            return None
        expected = " or ".join(map(str, request.expect))
        if self.status == 0:
            return f"expected {expected}, got no answer"
        parsed = self.parsed
        code = parsed.get("code") if isinstance(parsed, dict) else None
        return f"expected {expected}, got {self.status}{f' ({code})' if code else ''}"


class Transport(Protocol):
    """Carries requests, and records those whose answer has a complaint as failures."""

    def send(self, request: Request) -> Answer: ...


class Visitor:
    """One simulated person. Its requests come one after the other."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._account = Account(self)
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
        headers: Mapping[str, str] | None = None,
        **path_values: Any,
    ) -> Any:
        """Make a request to `template`, filled in with `path_values`; return the parsed JSON.

        Returns None for an answer without JSON. Raises UnexpectedStatus for an answer whose
        status is not in `expect`, after it was recorded as a failure.
        """
        return self.send(
            Request(
                method=method,
                path=fill(template, path_values, params or {}),
                name=template,
                expect=expect if isinstance(expect, tuple) else (expect,),
                headers={
                    **(self._account.headers() if self._is_signed_in else {}),
                    **({} if json is None else {"Content-Type": "application/json"}),
                    **(headers or {}),
                },
                body=None if json is None else encoding.dumps(json),
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
        self._account.headers()  # so that a journey's first request does not wait for it
        self._is_signed_in = True
        try:
            yield
        finally:
            self._is_signed_in = False


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
