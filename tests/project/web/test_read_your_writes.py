"""Tokens that say how far somebody has written."""

from time import time

import pytest
from fastapi.testclient import TestClient

from project.db.replica.positions import EVERYTHING
from project.web import read_your_writes
from project.web.read_your_writes import COOKIE, HEADER, ReadTokens

TOKENS = ReadTokens(["a" * 32], max_lag=5)


@pytest.mark.parametrize("position", [0, 0x16EE240, EVERYTHING])
def test_a_token_says_what_it_was_given(position: int) -> None:
    assert TOKENS.read(TOKENS.issue(position)) == position


def test_another_key() -> None:
    token = TOKENS.issue(5)
    assert ReadTokens(["b" * 32], max_lag=5).read(token) is None
    assert ReadTokens(["b" * 32, "a" * 32], max_lag=5).read(token) == 5


def test_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = TOKENS.issue(5), time()
    monkeypatch.setattr(read_your_writes, "time", lambda: now + TOKENS.lifetime + 1)
    assert TOKENS.read(token) is None


@pytest.mark.parametrize("token", ["", "x", "ä" * 40, "=" * 40, "A" * 38, "A" * 10_000])
def test_what_is_no_token(token: str) -> None:
    assert TOKENS.read(token) is None


@pytest.mark.needs("users")
def test_without_a_replica_there_are_none(client: TestClient) -> None:
    account = {"email": "new@example.com", "password": "a long enough sentence"}
    response = client.post("/api/v1/users/", json=account)
    assert response.status_code == 201
    assert HEADER not in response.headers
    assert COOKIE not in response.cookies
