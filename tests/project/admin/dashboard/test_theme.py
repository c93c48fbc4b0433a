"""Light, dark, or as the system has it."""

import pytest
from fastapi.testclient import TestClient

from tests.project.admin.support import SAME_ORIGIN, sign_in


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    sign_in(client)
    return client


def choose(client: TestClient, theme: str, *, target: str = "/admin/") -> tuple[int, str]:
    form = {"theme": theme, "next": target}
    response = client.post("/admin/theme", data=form, headers=SAME_ORIGIN)
    return response.status_code, response.headers.get("location", "")


def test_chosen_theme_stays(admin: TestClient) -> None:
    assert "data-bs-theme" not in admin.get("/admin/").text.partition("<head>")[0]
    assert choose(admin, "dark", target="/admin/?x=1") == (303, "/admin/?x=1")
    assert '<html lang="en" data-bs-theme="dark">' in admin.get("/admin/").text
    choose(admin, "system")
    assert "data-bs-theme" not in admin.get("/admin/").text.partition("<head>")[0]


@pytest.mark.parametrize("theme", ["", "pink", "dark\0", '"><script>'])
def test_what_is_no_theme(admin: TestClient, theme: str) -> None:
    assert choose(admin, theme)[0] == 400


def test_leads_nowhere_else(admin: TestClient) -> None:
    assert choose(admin, "light", target="https://evil.example/") == (303, "/admin/")


def test_cookie_of_somebody_elses_making(admin: TestClient) -> None:
    admin.cookies.set("lintel_theme", '"><script>')
    assert "<script>" not in admin.get("/admin/").text.partition("<head>")[0]
