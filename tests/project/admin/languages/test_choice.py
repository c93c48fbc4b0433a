"""By which language somebody is answered, and how they choose another."""

import pytest
from fastapi.testclient import TestClient

from project.admin.language import COOKIE
from tests.factories.users import UserFactory
from tests.project.admin.support import SAME_ORIGIN, enter

pytestmark = pytest.mark.needs("users")


@pytest.mark.parametrize(
    ("header", "code"), [("de-CH,en;q=0.8", "de"), ("en-GB", "en"), ("ja", "en"), ("", "en")]
)
def test_the_browser_prefers_one(client: TestClient, header: str, code: str) -> None:
    response = client.get("/admin/login", headers={"Accept-Language": header})
    assert f'<html lang="{code}"' in response.text
    assert response.headers["content-language"] == code
    assert {"Accept-Language", "Cookie"} <= set(response.headers["vary"].split(", "))


def test_a_choice_wins(client: TestClient) -> None:
    enter(client, UserFactory.create(staff=True))
    form = {"language": "de", "next": "/admin/sign-ins"}
    response = client.post("/admin/language", data=form, headers=SAME_ORIGIN)
    assert (response.status_code, response.headers["location"]) == (303, "/admin/sign-ins")
    assert client.cookies[COOKIE] == "de"
    page = client.get("/admin/sign-ins", headers={"Accept-Language": "en"}).text
    assert "Eigene Anmeldungen" in page
    assert 'value="de" lang="de" aria-pressed="true">Deutsch' in page


@pytest.mark.parametrize("code", ["fr", "", "../../etc", "\0", "d" * 5_000])
def test_what_is_not_offered(client: TestClient, code: str) -> None:
    response = client.post("/admin/language", data={"language": code}, headers=SAME_ORIGIN)
    assert response.status_code == 400
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, "tlh")
    assert '<html lang="en"' in client.get("/admin/login").text


def test_another_site_cannot_choose(client: TestClient) -> None:
    other = {"Sec-Fetch-Site": "cross-site"}
    response = client.post("/admin/language", data={"language": "de"}, headers=other)
    assert response.status_code == 403
    assert COOKIE not in client.cookies


def test_scripts_have_no_language(client: TestClient) -> None:
    response = client.get("/admin/statics/css/main.css", headers={"Accept-Language": "de"})
    assert "content-language" not in response.headers
    api = client.get("/api/v1/users/me", headers={"Accept-Language": "de"}).json()
    assert "Sign in first" in api.values()
