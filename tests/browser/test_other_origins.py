"""What pages of other origins try to change in Chromium: with forms, and with scripts."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from loguru import logger
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from apps.users.mail_tokens import Purpose, issue_token
from apps.users.models import AuthSession, MailToken, User
from tests.browser.conftest import serving
from tests.factories.users import PASSWORD, UserFactory
from tests.processes import until

if TYPE_CHECKING:
    from loguru import Message

pytestmark = [pytest.mark.browser, pytest.mark.committed]

FORM = """
<!doctype html><title>Win a prize</title><form method="post" action="{address}">{fields}</form>
<script>document.forms[0].submit()</script>
"""
FIELD = '<input name="{}" value="{}">'
SCRIPT = """([address, body]) => fetch(address, {
    method: "POST", credentials: "include", mode: "no-cors", body,
    headers: {"Content-Type": "application/x-www-form-urlencoded"},
}).then((answer) => answer.type, () => "refused")"""
READING = """(address) => fetch(address, {credentials: "include"})
    .then((answer) => answer.text(), () => "refused")"""


@pytest.fixture
def user(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    session.commit()
    return user


@pytest.fixture
def signed_in(context: BrowserContext, site: str, user: User) -> Page:
    page = context.new_page()
    page.goto(f"{site}/admin/login")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}/admin/")
    return page


def issue(session: Session, user: User) -> dict[str, str]:
    """A good link for each purpose: an attacker who has one still needs the owner's browser."""
    tokens = {}
    for purpose, email in zip(Purpose, (user.email, user.email, "new@example.com"), strict=True):
        token = issue_token(
            session, user_id=user.id, purpose=purpose, email=email, lifetime=timedelta(hours=1)
        )
        assert token is not None
        tokens[purpose.value] = token
    session.commit()
    return tokens


def targets(user: User, tokens: dict[str, str]) -> dict[str, dict[str, str]]:
    """What to send where, so that it would change something if a page of ours sent it."""
    password = {"password": "attackers choice", "repeated": "attackers choice"}
    account = {"email": "eve@example.com", "is_superuser": "y", "is_active": "y"}
    return {
        "/account/reset": {"email": user.email},
        "/account/reset/password": {"token": tokens["reset"], **password},
        "/account/verify": {"token": tokens["verify"]},
        "/account/email": {"token": tokens["change"]},
        "/admin/users-user/create": account,
        f"/admin/users-user/edit/{user.id}": {**account, **password},
        "/admin/users-user/delete": {"pks": str(user.id)},
        "/admin/two-factor": {"password": PASSWORD},
        "/admin/logout": {},
        "/admin/login": {"username": user.email, "password": PASSWORD},
    }


def state(session: Session) -> list[object]:
    """All that the attacks are after."""
    session.rollback()
    columns = (User.email, User.verified_email, User.password_hash, User.is_active)
    accounts = session.execute(select(*columns).order_by(User.id)).all()
    sessions = session.execute(select(AuthSession.id, AuthSession.revoked_at)).all()
    links = session.execute(select(MailToken.token_hash).order_by(MailToken.purpose)).all()
    return [accounts, sorted(sessions), links]


@pytest.fixture(params=["127.0.0.1", "localhost"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Serve a page: from another port, where cookies are sent along, and from another host."""
    shown = [""]

    async def show(_: Request) -> Response:
        return HTMLResponse(shown[-1])

    with serving(Starlette(routes=[Route("/", show)])) as address:

        def serve(page: str) -> str:
            shown.append(page)
            return address.replace("127.0.0.1", request.param)

        yield serve


def test_forms_that_send_themselves(
    signed_in: Page, site: str, session: Session, user: User, elsewhere: Callable[[str], str]
) -> None:
    attacks = targets(user, issue(session, user))
    before = state(session)
    for path, body in attacks.items():
        fields = "".join(FIELD.format(*pair) for pair in body.items())
        address = elsewhere(FORM.format(address=site + path, fields=fields))
        with signed_in.expect_response(f"{site}{path}") as answer:
            signed_in.goto(address)
        assert (path, answer.value.status) == (path, 403)
        assert state(session) == before, path
    signed_in.goto(f"{site}/admin/")
    expect(signed_in.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.fixture
def answered(site: str) -> Iterator[list[tuple[str, int]]]:
    """What the server has answered, which it tells nobody but its log."""
    assert site
    found: list[tuple[str, int]] = []

    def collect(message: "Message") -> None:
        extra = message.record["extra"]
        if extra.get("logger") == "access" and extra["method"] == "POST":
            found.append((extra["path"], extra["status"]))

    sink = logger.add(collect, level=0)
    yield found
    logger.remove(sink)


def test_scripts_that_send_cookies_along(
    signed_in: Page,
    site: str,
    session: Session,
    user: User,
    *,
    elsewhere: Callable[[str], str],
    answered: list[tuple[str, int]],
) -> None:
    """They are sent, and come to nothing; their answers cannot be read either."""
    attacks = targets(user, issue(session, user))
    before = state(session)
    signed_in.goto(elsewhere("<!doctype html><title>Win a prize</title>"))
    for path, body in attacks.items():
        outcome = signed_in.evaluate(SCRIPT, [site + path, urlencode(body)])
        assert outcome in {"opaque", "refused"}
        until(lambda: len(answered) > 0, "the answer")
        assert answered.pop() == (path, 403)
        assert state(session) == before, path
    for path in ("/admin/users-user/list", "/api/v1/users/me"):
        assert signed_in.evaluate(READING, site + path) == "refused"


def test_the_same_requests_of_our_own_pages_go_through(
    signed_in: Page, site: str, session: Session, user: User
) -> None:
    """The attacks fail for where they come from, not for what they say."""
    attacks = targets(user, issue(session, user))
    for path in ("/account/verify", "/admin/users-user/create", "/account/reset/password"):
        before = state(session)
        signed_in.goto(f"{site}/admin/login")
        signed_in.evaluate(SCRIPT, [site + path, urlencode(attacks[path])])
        assert state(session) != before, path
