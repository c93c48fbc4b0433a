"""What is written to standard error: whole lines, no forgeries, no secrets."""

import json
import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy.orm import Session

from project.application import create_application
from project.logging import configure_logging
from project.settings import Settings
from project.web.route import Router
from tests.database import TestDatabase

Configure = Callable[..., Settings]


@pytest.fixture
def configure(settings: Settings) -> Iterator[Configure]:
    """Configure the logs as a deployment would; back to the suite's own afterwards."""

    def configure(style: str, level: str = "DEBUG") -> Settings:
        changed = settings.logging.model_copy(update={"format": style, "level": level})
        own = settings.model_copy(update={"logging": changed})
        configure_logging(own)
        return own

    yield configure
    configure_logging(settings)


def parse(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    logger.bind(size=3).warning("one\ntwo\r\u2028three\x1b[31m {}", "{braces}")
    (line,) = parse(capsys.readouterr().err)
    assert (line["level"], line["size"], line["logger"]) == ("warning", 3, __name__)
    assert line["message"] == "one\ntwo\r\u2028three\x1b[31m {braces}"


def test_json_holds_whatever_is_logged(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("json")
    logger.info("odd", half="\ud800", raw=b"\xff", number=float("1e400"), thing=object())
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("style", ["json", "text"])
def test_forged_lines(
    configure: Configure, database: TestDatabase, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    own = configure(style)
    app = create_application(own, database=database)
    capsys.readouterr()
    with TestClient(app) as client:
        client.get("/a%0aERROR%20forged%0d%1b[31m?secret=canary", headers={"User-Agent": "canary"})
    written = capsys.readouterr().err
    lines = [line for line in written.splitlines() if "GET" in line]
    assert len(lines) == 1
    assert not any(line.lstrip().startswith("ERROR") for line in written.splitlines())
    assert "\x1b[31m forged" not in written
    assert "canary" not in written


@pytest.mark.needs("items")
def test_access_line(
    configure: Configure, database: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    own = configure("json")
    with TestClient(create_application(own, database=database)) as client:
        client.get("/api/v1/items/7?x=1", headers={"X-Request-ID": "mine"})
    (line,) = [line for line in parse(capsys.readouterr().err) if line["logger"] == "access"]
    assert line["route"] == "/api/v1/items/{item_id}"
    assert (line["method"], line["status"], line["request_id"]) == ("GET", 404, "mine")
    assert line["client"] == "testclient"
    assert line["duration_ms"] > 0


@pytest.mark.needs("users")
def test_access_line_says_what_it_cost_and_whose_it_was(
    configure: Configure,
    database: TestDatabase,
    capsys: pytest.CaptureFixture[str],
    signed_in: Callable[..., dict[str, str]],
) -> None:
    own, headers = configure("json"), signed_in()
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    with TestClient(create_application(own, database=database)) as client:
        account = client.get("/api/v1/users/me", headers=headers).json()
        client.get("/nowhere")
    lines = [line for line in parse(capsys.readouterr().err) if line["logger"] == "access"]
    mine, nobodys = lines
    assert (mine["user_id"], mine["trace_id"]) == (account["id"], trace)
    assert mine["queries"] >= 1
    assert mine["lane_wait_ms"] == 0
    assert (nobodys["user_id"], nobodys["queries"]) == (None, 0)
    assert "trace_id" not in nobodys


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.needs("users")
def test_secrets_stay_out_at_debug(
    configure: Configure,
    database: TestDatabase,
    session: Session,
    capsys: pytest.CaptureFixture[str],
    style: str,
) -> None:
    """Registration, sign-in, refresh and sign-out, with every library as loud as it can be."""
    factories = import_module("tests.factories.users")
    own, user, password = configure(style), factories.UserFactory(), factories.PASSWORD
    with TestClient(create_application(own, database=database)) as client:
        body = {"email": "new@example.com", "password": "canary-password"}
        client.post("/api/v1/users/", json=body)
        client.post("/api/v1/users/", json={**body, "password": "canary-password\x00"})
        form = {"username": user.email, "password": password}
        pair = client.post("/api/v1/auth/token", data=form).json()
        client.post("/api/v1/auth/token", data={**form, "password": "canary-wrong"})
        refreshed = client.post(
            "/api/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]}
        ).json()
        bearer = {"Authorization": f"Bearer {refreshed['access_token']}"}
        client.get("/api/v1/users/me", headers=bearer)
        client.post("/api/v1/auth/logout", headers=bearer)
    written = capsys.readouterr().err
    secrets = [password, "canary", *own.secret_keys, user.password_hash]
    secrets += [tokens[name] for tokens in (pair, refreshed) for name in ("access_token",)]
    secrets += [tokens["refresh_token"] for tokens in (pair, refreshed)]
    assert "/api/v1/auth/token" in written
    assert [secret for secret in secrets if str(secret) in written] == []


def test_local_values_stay_out_of_tracebacks(
    configure: Configure, database: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    own = configure("text")
    router = Router()

    @router.get("/fail")
    def fail() -> None:
        secret = "can" + "ary"
        raise RuntimeError(len(secret))

    app = create_application(own, database=database)
    app.include_router(router)
    with TestClient(app) as client:
        assert client.get("/fail").status_code == 500
    written = capsys.readouterr().err
    assert "RuntimeError: 6" in written
    assert "canary" not in written


def test_libraries_are_captured(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    logging.getLogger("some.library").warning("told %s", "once {not} <a> format")
    logging.getLogger("uvicorn.error").log(15, "between levels")
    lines = parse(capsys.readouterr().err)
    assert [line["logger"] for line in lines] == ["some.library", "uvicorn.error"]
    assert lines[0]["message"] == "told once {not} <a> format"


def test_level(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure("text", level="WARNING")
    logger.info("quiet")
    logging.getLogger("library").info("quiet")
    logger.warning("loud")
    written = capsys.readouterr().err
    assert ("quiet" in written, "loud" in written) == (False, True)
