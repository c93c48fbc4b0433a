"""Bodies that are nested more deeply than anybody means."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from project.web.json_depth import MAXIMUM_DEPTH, is_deep


def nested(levels: int, *, inside: Any = 1) -> bytes:
    value = inside
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("body", "is_too_deep"),
    [
        (nested(64), False),
        (nested(65), True),
        (b"[" + b",".join([nested(63)] * 500) + b"]", False),
        (b"[" + b",".join([nested(3)] * 500 + [nested(64)]) + b"]", True),
        (b"[]" * 5000, False),
        (b"[" * 64, False),
        (b"[" * 100_000, True),
        (b"[" * 40 + b"[" * 40 + b"]" * 40, True),
        (b'{"a":' * 65, True),
        (json.dumps("[{" * 500).encode(), False),
        (json.dumps('\\"[{' * 500).encode(), False),
        (json.dumps(["\\", "[" * 500, '"' * 9]).encode(), False),
        (b'["\\\\",' * 65 + b"1" + b"]" * 65, True),
        (b'["\\"",' * 65 + b"1" + b"]" * 65, True),
        (nested(65).decode().encode("utf-16"), True),
        (nested(65, inside="\u2222").decode().encode("utf-32"), True),
        (json.dumps(["\u225b\u2222"] * 99, ensure_ascii=False).encode("utf-16"), False),
        (b"\0\0\0" + b"[" * 65 + b"\xff", False),
        (b'["[","]"],' * 500, False),
        (b'["]",' * 65, True),
        (b"]" * 500 + b"[" * 500, False),
        (b"", False),
    ],
)
def test_depth(body: bytes, *, is_too_deep: bool) -> None:
    assert is_deep(body) is is_too_deep


@pytest.mark.needs("users")
@pytest.mark.parametrize("path", ["users/", "auth/verify-email"])
@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
def test_answer(client: TestClient, path: str, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    allowed, refused = (
        client.post(f"/api/v1/{path}", content=nested(levels), headers=headers)
        for levels in (MAXIMUM_DEPTH, MAXIMUM_DEPTH + 1)
    )
    assert (allowed.status_code, allowed.json()["code"]) == (422, "invalid")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert refused.json()["detail"] == "The body is nested more than 64 levels deep."
    assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.needs("users")
def test_what_is_no_json_is_left_to_others(client: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    assert client.post("/api/v1/users/", content=nested(99), headers=headers).status_code == 422
