"""What a throttled route tells its clients, and who shares a count."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from apps.users.models import User
from project.web.route import Router
from project.web.throttling import throttled
from tests.apps.throttling.conftest import Build, from_address
from tests.factories.users import UserFactory

pytestmark = pytest.mark.committed


def with_exports(client: TestClient) -> TestClient:
    router = Router()

    @router.get("/exports")
    @throttled("3/hour", scope="exports")
    def read_exports() -> list[str]:
        return []

    @router.post("/exports")
    @throttled("3/hour", scope="exports")
    async def export(body: dict[str, str]) -> dict[str, str]:
        return body

    client.app.include_router(router)  # type: ignore[attr-defined]
    return client


def test_a_throttled_route(build: Build) -> None:
    client = with_exports(build())
    answers = [client.get("/exports") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"][:13] for answer in answers] == [
        f'"exports";r={n}' for n in (2, 1, 0, 0)
    ]
    assert answers[3].headers["Content-Type"] == "application/problem+json"
    assert 1190 <= int(answers[3].headers["Retry-After"]) <= 1200
    assert from_address(client, "198.51.100.7").get("/exports").status_code == 200


def test_a_scope_is_counted_together_and_before_the_body(build: Build) -> None:
    client = with_exports(build())
    broken = [client.post("/exports", content=b"{").status_code for _ in range(4)]
    assert broken == [422] * 3 + [429]
    assert client.get("/exports").status_code == 429


def test_a_deployment_sets_the_rate_of_a_scope(build: Build) -> None:
    client = with_exports(build(rates="exports=1/day, registration=2/hour"))
    assert [client.get("/exports").status_code for _ in range(2)] == [200, 429]
    person = {"email": "ada@example.com", "password": "short"}
    versions = ("v1", "v2", "v1")
    answers = [client.post(f"/api/{v}/users/", json=person).status_code for v in versions]
    assert answers == [422, 422, 429]


def test_whoever_is_signed_in_has_a_count_of_his_own(
    build: Build, headers_for: Callable[[User], dict[str, str]]
) -> None:
    client = with_exports(build())
    ada, grace = (headers_for(UserFactory.create()) for _ in range(2))
    assert [client.get("/exports", headers=ada).status_code for _ in range(4)][-1] == 429
    assert client.get("/exports", headers=grace).status_code == 200
    forged = {"Authorization": "Bearer forged"}
    assert [client.get("/exports", headers=forged).status_code for _ in range(4)][-1] == 429
    assert client.get("/exports").status_code == 429, "a forged token counts for its address"


def test_api_keys_that_are_made_up_count_for_their_address(build: Build) -> None:
    client = with_exports(build())
    keys = [{"Authorization": f"Bearer lk_{n:08x}_{'x' * 43}"} for n in range(4)]
    assert [client.get("/exports", headers=key).status_code for key in keys] == [200] * 3 + [429]
    assert client.get("/exports").status_code == 429
    elsewhere = from_address(client, "198.51.100.7")
    assert elsewhere.get("/exports", headers=keys[0]).status_code == 200


def test_switched_off(build: Build) -> None:
    client = with_exports(build(enabled="false"))
    answers = [client.get("/exports") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers
