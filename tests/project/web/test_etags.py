"""How the two headers are read and compared."""

import time
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from project.web.etags import CACHEABLE, GUARDED, IfMatch, IfNoneMatch, etag_of
from project.web.problems import install_error_handlers
from project.web.route import Router
from project.web.schemas import Schema


class Note(Schema):
    text: str


NOTE = Note(text="now")
NOW = etag_of(NOTE)
OLD = etag_of(Note(text="then"))


@pytest.fixture
def client() -> TestClient:
    router = Router()

    @router.get("/note", response_model=Note, responses=CACHEABLE)
    async def read(known: IfNoneMatch) -> Response:
        return known.answer(NOTE)

    @router.delete("/note", status_code=204, responses=GUARDED)
    async def delete(expected: IfMatch) -> None:
        expected.require(NOTE)

    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router)
    return TestClient(app)


@pytest.fixture
def read(client: TestClient) -> Callable[..., int]:
    def read(*values: str) -> int:
        answer = client.get("/note", headers=[("If-None-Match", value) for value in values])
        assert answer.headers["ETag"] == NOW
        assert bool(answer.content) == (answer.status_code == 200)
        return answer.status_code

    return read


@pytest.fixture
def delete(client: TestClient) -> Callable[..., int]:
    def delete(*values: str | bytes) -> int:
        headers = [(b"If-Match", _bytes(value)) for value in values]
        return client.delete("/note", headers=headers).status_code

    return delete


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def test_form() -> None:
    assert NOW.startswith('"')
    assert NOW.endswith('"')
    assert len(NOW) == 34
    assert etag_of(Note(text="now")) == NOW != OLD


@pytest.mark.parametrize(
    "known",
    [NOW, f"W/{NOW}", f"{OLD}, {NOW}", f"{OLD},W/{NOW},", "*", f', "a,b" , {NOW}', f"  {NOW}  "],
)
def test_read_of_a_known_version(read: Callable[..., int], known: str) -> None:
    assert read(known) == 304


@pytest.mark.parametrize(
    "known", [OLD, f"W/{OLD}", "", '""', NOW.strip('"'), f"{NOW} {NOW}", f"*, {NOW}", NOW[:-1], ","]
)
def test_read_of_another_version(read: Callable[..., int], known: str) -> None:
    assert read(known) == 200


def test_several_lines_are_one_list(read: Callable[..., int], delete: Callable[..., int]) -> None:
    assert read(OLD, NOW) == 304
    assert delete(OLD, NOW) == 204


@pytest.mark.parametrize("expected", [NOW, f"{OLD}, {NOW}", "*"])
def test_write_of_the_expected_version(delete: Callable[..., int], expected: str) -> None:
    assert delete(expected) == 204


@pytest.mark.parametrize(
    "expected", [OLD, f"W/{NOW}", NOW.strip('"'), "", '"', "**", f"{NOW} {NOW}", b"\x80"]
)
def test_write_of_another_version(delete: Callable[..., int], expected: str | bytes) -> None:
    assert delete(expected) == 412


def test_write_without_the_header(delete: Callable[..., int]) -> None:
    assert delete() == 204


def test_the_mend_is_named(client: TestClient) -> None:
    problem = client.delete("/note", headers={"If-Match": "unquoted"}).json()
    assert problem["code"] == "precondition_failed"
    assert "quotes" in problem["detail"]


@pytest.mark.parametrize(
    "hostile", ['"' * 60_000, "," * 60_000, '"",' * 20_000 + "x", " " * 60_000]
)
def test_no_header_takes_long(client: TestClient, hostile: str) -> None:
    started = time.process_time()
    client.get("/note", headers={"If-None-Match": hostile})
    assert time.process_time() - started < 0.5
