"""Signing in, by guessing and by forgetting: at the API and at the admin, across workers."""

import asyncio
from collections import Counter

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.throttling.models import Bucket
from apps.users.models import AuthSession, User
from tests.apps.throttling.conftest import Build, from_address
from tests.factories.users import PASSWORD, UserFactory

pytestmark = pytest.mark.committed

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def user(session: Session) -> User:
    user: User = UserFactory.create(superuser=True)
    session.commit()
    return user


def try_password(client: TestClient, email: str, password: str = "wrong") -> Response:
    form = {"username": email, "password": password}
    return client.post("/api/v1/auth/token", data=form)


def try_admin(client: TestClient, email: str, password: str = "wrong") -> Response:
    return client.post("/admin/login", data={"username": email, "password": password})


def statuses(client: TestClient, email: str, times: int) -> list[int]:
    return [try_password(client, email).status_code for _ in range(times)]


def test_the_sixth_wrong_password_is_refused(build: Build, user: User) -> None:
    client = build()
    assert statuses(client, user.email, 5) == [401] * 5
    refused = try_password(client, user.email)
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"sign-in";q=5;w=300'
    assert refused.headers["RateLimit"] == f'"sign-in";r=0;t={refused.headers["Retry-After"]}'


def test_known_and_unknown_accounts_are_refused_alike(build: Build, user: User) -> None:
    client = build()
    assert statuses(client, user.email, 6) == statuses(client, "nobody@example.com", 6)


def test_the_admin_shares_the_count(build: Build, user: User) -> None:
    client = build()
    assert [try_admin(client, user.email).status_code for _ in range(5)] == [401] * 5
    refused = try_admin(client, f" {user.email.upper()} ")
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers
    assert try_password(client, user.email, PASSWORD).status_code == 429


def test_other_spellings_of_an_address_share_the_count(build: Build, user: User) -> None:
    client = build()
    name, _, domain = user.email.partition("@")
    fullwidth = f"{name}@{chr(ord(domain[0]) + 0xFEE0)}{domain[1:]}"
    assert try_password(client, fullwidth, PASSWORD).status_code == 200, "it is the same account"
    assert statuses(client, user.email, 5) == [401] * 5
    assert try_password(client, fullwidth).status_code == 429
    assert try_admin(client, f" {fullwidth} ").status_code == 429


def test_workers_share_the_count(build: Build, user: User) -> None:
    first, second = build(), build()
    assert statuses(first, user.email, 3) + statuses(second, user.email, 3) == [401] * 5 + [429]


def test_right_passwords_are_not_counted(build: Build, user: User) -> None:
    client = build()
    assert {try_password(client, user.email, PASSWORD).status_code for _ in range(12)} == {200}


def test_whoever_knows_the_password_signs_in_so_often_and_no_more(
    build: Build, user: User, session: Session
) -> None:
    """Each sign-in costs a hash and a session, wherever it comes from."""
    client = build(sign_in_right="3/hour")
    elsewhere = from_address(client, ELSEWHERE)
    answers = [try_password(client, user.email, PASSWORD) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert answers[3].headers["RateLimit-Policy"] == '"sign-in";q=3;w=3600'
    assert 1100 <= int(answers[3].headers["Retry-After"]) <= 1200
    assert try_password(elsewhere, user.email, PASSWORD).status_code == 429
    assert try_admin(client, user.email, PASSWORD).status_code == 429
    assert session.scalar(select(func.count()).select_from(AuthSession)) == 3


def test_too_many_right_ones_at_once_begin_no_sessions(
    build: Build, user: User, session: Session
) -> None:
    """Each of them found room before its hash; what follows the hash lets in three."""
    client = build(sign_in_right="3/hour")

    async def flood() -> Counter[int]:
        tries = (asyncio.to_thread(try_password, client, user.email, PASSWORD) for _ in range(5))
        return Counter(answer.status_code for answer in await asyncio.gather(*tries))

    assert asyncio.run(flood()) == {200: 3, 429: 2}
    assert session.scalar(select(func.count()).select_from(AuthSession)) == 3


def test_wrong_passwords_do_not_use_up_the_right_ones(build: Build, user: User) -> None:
    client = build(sign_in_right="2/hour", sign_in_pair="20/hour")
    assert statuses(client, user.email, 6) == [401] * 6
    assert try_password(client, user.email, PASSWORD).status_code == 200


def test_being_refused_for_right_ones_is_no_wrong_one(
    build: Build, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted before it was known is given back: the address may go on with others."""
    monkeypatch.setattr("apps.throttling.limiter.REFUSED_WITHOUT_ASKING", 0.0)
    client = build(sign_in_right="1/hour", sign_in_pair="2/hour", sign_in_address="3/hour")
    answers = [try_password(client, user.email, PASSWORD).status_code for _ in range(6)]
    assert answers == [200] + [429] * 5
    assert statuses(client, "somebody@example.com", 2) == [401] * 2


def test_a_stranger_does_not_lock_the_owner_out(build: Build, user: User) -> None:
    """One address uses up its own count of the account, not the owner's."""
    stranger = build(address=ELSEWHERE)
    owner = from_address(stranger, HOME)
    assert statuses(stranger, user.email, 6)[-1] == 429
    assert try_password(owner, user.email, PASSWORD).status_code == 200


def test_many_strangers_do_not_lock_out_who_is_known(build: Build, user: User) -> None:
    """They use up what all strangers have; who has signed in from an address has his own."""
    owner = build(address=HOME, sign_in_account="3/hour", sign_in_global="20/hour")
    assert try_password(owner, user.email, PASSWORD).status_code == 200
    strangers = [from_address(owner, f"198.51.100.{n}") for n in range(4)]
    assert [statuses(client, user.email, 1)[0] for client in strangers] == [401] * 3 + [429]
    assert try_password(strangers[3], user.email, PASSWORD).status_code == 429
    assert try_password(owner, user.email, PASSWORD).status_code == 200


def test_one_address_does_not_try_one_password_everywhere(build: Build) -> None:
    client = build(sign_in_address="4/hour")
    answers = [statuses(client, f"user-{n}@example.com", 1)[0] for n in range(6)]
    assert answers == [401] * 4 + [429] * 2
    assert statuses(from_address(client, ELSEWHERE), "user-0@example.com", 1) == [401]


def test_a_botnet_is_held_up_as_a_whole(build: Build) -> None:
    client = build(sign_in_global="3/hour")
    bots = [from_address(client, f"2001:db8:{n}::1") for n in range(5)]
    answers = [statuses(bot, f"user-{n}@example.com", 1)[0] for n, bot in enumerate(bots)]
    assert answers == [401] * 3 + [429] * 2


def test_what_the_server_could_not_look_at_is_given_back(build: Build, user: User) -> None:
    client = build()
    app = client.app
    lane = app.state.runtime.lanes.hash  # type: ignore[attr-defined]
    lane.queue_size, lane.running = 0, 1
    assert statuses(client, user.email, 8) == [503] * 8
    lane.running = 0
    assert try_password(client, user.email).status_code == 401


def test_no_email_and_no_address_is_kept(build: Build, user: User, session: Session) -> None:
    try_password(build(), user.email)
    keys = session.scalars(select(Bucket.key)).all()
    assert len(keys) == 4
    assert {len(key) for key in keys} == {16}
    assert not any(user.email.encode() in key or HOME.encode() in key for key in keys)


def test_hostile_names_are_just_wrong(build: Build) -> None:
    client = build()
    for name in ("", "\0", "x" * 200_000, "\udcff".encode("utf-8", "surrogatepass").hex(), "a\0b"):
        assert try_admin(client, name).status_code == 401


def test_a_flood_is_refused_and_ends(build: Build, user: User) -> None:
    """200 guesses at once: five are looked at, nobody waits for ever, and reads go on."""
    client = build()

    async def flood() -> Counter[int]:
        guesses = (asyncio.to_thread(try_password, client, user.email) for _ in range(200))
        return Counter(answer.status_code for answer in await asyncio.gather(*guesses))

    answers = asyncio.run(flood())
    assert answers[401] == 5
    assert answers[401] + answers[429] + answers[503] == 200
    assert client.get("/api/v1/health").status_code == 200
