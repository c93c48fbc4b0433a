"""Searching: words, phrases, prefixes, and characters that mean something elsewhere."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from apps.users.models import User
from project.admin.lists.search import search_condition, split_words
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory
from tests.project.admin.lists.support import ORDERS, USERS, listed


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("ada  lovelace", ["ada", "lovelace"]),
        ('"ada lovelace" x', ["ada lovelace", "x"]),
        ('"ada', ["ada"]),
        ('""', []),
        ('"', ['"']),
        ("=x", ["=x"]),
        ("a b c d e f g h i j", ["a", "b", "c", "d", "e", "f", "g", "h"]),
    ],
)
def test_words(term: str, words: list[str]) -> None:
    assert split_words(term) == words


def test_every_word_is_somewhere(admin: TestClient) -> None:
    ada = UserFactory.create(email="ada@example.com", full_name="Ada Lovelace")
    UserFactory.create(email="love@example.com", full_name="Grace Hopper")
    assert listed(admin, USERS, search="LOVE ada@") == [ada.id]
    assert listed(admin, USERS, search='"da Love"') == [ada.id]
    assert "Nothing matches" in admin.get(USERS, params={"search": '"love ada"'}).text


@pytest.mark.parametrize("term", ["100%", "a_b", "a\\b", "%", "_", "\\"])
def test_wildcards_are_characters(admin: TestClient, term: str) -> None:
    found = UserFactory.create(full_name=f"x {term} y")
    UserFactory.create(full_name="x 1000 aab ab y")
    assert listed(admin, USERS, search=term) == [found.id]


def test_number_is_an_identifier(admin: TestClient) -> None:
    first, second = OrderFactory.create(), OrderFactory.create()
    assert listed(admin, ORDERS, search=str(first.id)) == [first.id]
    assert listed(admin, ORDERS, search=second.user.email.upper()) == [second.id]


def test_beginning_is_not_the_middle(admin: TestClient) -> None:
    found = OrderFactory.create(user=UserFactory.create(email="zoe@example.com"))
    assert listed(admin, ORDERS, search="zoe") == [found.id]
    assert "Nothing matches" in admin.get(ORDERS, params={"search": "example"}).text


def test_user_without_a_name_is_found_by_email(admin: TestClient) -> None:
    nameless = UserFactory.create(full_name=None, email="zoe@example.com")
    assert listed(admin, USERS, search="zoe") == [nameless.id]


@pytest.mark.parametrize(
    ("field", "sql"),
    [
        ("email", "users_user.email ILIKE"),
        ("^email", "users_user.email LIKE"),
        ("=email", "users_user.email = "),
        ("=id", "false"),
    ],
)
def test_an_index_can_be_of_use(field: str, sql: str) -> None:
    dialect: Any = PGDialect_psycopg
    condition = str(search_condition(User, [field], "ada").compile(dialect=dialect()))
    assert sql.lower() in condition.lower()
    assert "CAST" not in condition
