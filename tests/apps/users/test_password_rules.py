import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.users.errors import CommonPassword, SimilarPassword
from apps.users.password_rules import MINIMUM_LENGTH, common_passwords, refuse_weak_password
from project.web.home import EMAIL, PASSWORD

USERS = "/api/v1/users/"


def test_list_is_long_and_holds_nothing_that_length_refuses() -> None:
    words = common_passwords()
    assert len(words) >= 3000  # OWASP ASVS 6.2.4
    assert all(len(word) >= MINIMUM_LENGTH and word == word.lower() for word in words)


@pytest.mark.parametrize(
    "password", ["12345678", "password1", "PassWord1", "QWERTYUIOP", "iloveyou"]
)
def test_common(password: str) -> None:
    with pytest.raises(CommonPassword):
        refuse_weak_password(password, email="ada@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace",
        "Ada.Lovelace",
        "ADA.LOVELACE@example.com",
        "lovelace1815",
        "1815-Ada-Lovelace",
        "lovelace12345678",
        "augusta1",
        "adalovelase",
        "augusta ada king",
    ],
)
def test_similar(password: str) -> None:
    with pytest.raises(SimilarPassword):
        refuse_weak_password(
            password, email="ada.lovelace@example.com", full_name="Augusta Ada King"
        )


@pytest.mark.parametrize(
    "password",
    [
        "securepassword",
        "eight ch",
        "lovelace wrote the first program",
        "x" * 256,
        " " * 8,
        "🔑" * 8,
    ],
)
def test_good(password: str) -> None:
    refuse_weak_password(password, email="ada.lovelace@example.com", full_name="Augusta Ada King")


def test_what_the_home_page_shows_is_good() -> None:
    refuse_weak_password(PASSWORD, email=EMAIL)


def test_short_names_are_in_good_passwords_too() -> None:
    refuse_weak_password("antigone", email="ann@ti.example", full_name="Al Go")


@pytest.mark.parametrize(
    ("password", "code"),
    [("12345678", "password_too_common"), ("grace-hopper", "password_too_similar")],
)
def test_registration_names_field_and_code(client: TestClient, password: str, code: str) -> None:
    response = client.post(USERS, json={"email": "grace.hopper@example.com", "password": password})
    body = response.json()
    assert (response.status_code, body["code"]) == (422, code)
    assert body["errors"] == [{"loc": ["body", "password"], "msg": body["detail"], "type": code}]
    assert password not in response.text


def test_both_versions_refuse(client: TestClient, session: Session) -> None:
    body = {"email": "grace@example.com", "password": "iloveyou1"}
    assert client.post("/api/v2/users/", json=body).json()["code"] == "password_too_common"
