"""What a visitor sends, and how its account behaves, before an application that only listens."""

import json
from typing import Any

import pytest

from loadtests import account
from loadtests.scenario import Visitor
from loadtests.visitor import Answer, Request, fill, is_enough

TOKENS = {"access_token": "a", "refresh_token": "r", "expires_in": 900}


class Listener:
    """Answers everything with what is expected."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = TOKENS if answer is None else answer
        self.sent: list[Request] = []

    def send(self, request: Request) -> Answer:
        self.sent.append(request)
        body = json.dumps(self.answer).encode()
        return Answer(status=request.expect[0], content_type="application/json", body=body)

    @property
    def names(self) -> list[str]:
        return [request.name for request in self.sent]


def test_path_and_query_are_filled_in() -> None:
    path = fill("/a/{name}/b", {"name": "x/y"}, {"q": "ä b", "on": True})
    assert path == "/a/x%2Fy/b?q=%C3%A4+b&on=True"


@pytest.mark.parametrize(("template", "values"), [("/a/{b}", {}), ("/a", {"b": 1})])
def test_path_that_does_not_fit_its_values(template: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="/a"):
        fill(template, values, {})


def test_answer_without_json_is_none() -> None:
    assert Answer(status=200, content_type="image/webp", body=b"{}").parsed is None
    assert Answer(status=204, content_type="application/json", body=b"").parsed is None


def test_account_is_opened_once_and_not_measured_as_a_journey() -> None:
    listener = Listener()
    visitor = Visitor(listener)
    for _ in range(2):
        with visitor.signed_in():
            visitor.get("/mine")
    visitor.get("/everybodys")
    opened = ["(account) /api/v1/users/", "(account) /api/v1/auth/token"]
    assert listener.names == [*opened, "/mine", "/mine", "/everybodys"]
    bearers = [request.headers.get("Authorization") for request in listener.sent[2:]]
    assert bearers == ["Bearer a", "Bearer a", None]


def test_old_tokens_are_refreshed() -> None:
    listener = Listener({**TOKENS, "expires_in": account.MARGIN})
    visitor = Visitor(listener)
    for _ in range(2):
        with visitor.signed_in():
            pass
    assert listener.names[-1] == "(account) /api/v1/auth/refresh"
    assert json.loads(listener.sent[-1].body or "") == {"refresh_token": "r"}


def test_coming_back_is_measured_and_ends_with_signing_out() -> None:
    listener = Listener()
    with Visitor(listener).signing_in() as headers:
        assert headers == {"Authorization": "Bearer a"}
    token, logout = "/api/v1/auth/token", "/api/v1/auth/logout"
    assert listener.names == ["(account) /api/v1/users/", token, logout]


def test_files_are_sent_as_a_form() -> None:
    listener = Listener()
    Visitor(listener).post("/a", files={"file": ("a.png", b"\x89PNG", "image/png")})
    (request,) = listener.sent
    mark = request.headers["Content-Type"].partition("boundary=")[2]
    assert isinstance(request.body, bytes)
    head = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n'
    assert request.body.startswith(b"--" + mark.encode() + b"\r\n" + head)
    assert request.body.endswith(b"\r\n\r\n\x89PNG\r\n--" + mark.encode() + b"--\r\n")


def test_comments_are_no_events() -> None:
    request = Request(method="GET", path="/a", name="/a", expect=(200,), events=2)
    body = b": hello\n\nevent: status\r\ndata: 1\r\n\r\ndata: 2\n"
    assert not is_enough(request, body)
    assert is_enough(request, body + b"\n")


def test_stream_that_ends_too_early_is_a_complaint() -> None:
    request = Request(method="GET", path="/a", name="/a", expect=(200,), events=1)
    ended = Answer(status=200, content_type="text/event-stream", body=b": hello\n\n")
    assert ended.complaint(request) == "the stream ended before its events came"
