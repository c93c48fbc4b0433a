"""Signing in to the admin: a random cookie, and a session in the database that it stands for.

Starlette's signed session cookie would be shared with the site's own, could not be revoked
and would be as good after signing out as before. Here the database is asked on each click,
so whoever is deactivated, demoted or signed out is out at once.
"""

import re
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from loguru import logger
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy.orm import Session
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from project.admin import flash
from project.admin.second_step import SecondSteps
from project.admin.sign_in_form import read_form, text_in
from project.admin.work import AdminWork
from project.i18n import gettext, mark
from project.runtime import Runtime
from project.web.client import client_of
from project.web.costs import note_user
from project.web.principal import Account, EntryCondition, Principal, authenticator_of
from project.web.throttling import signing_in

LIFETIME = timedelta(hours=12)
IDLE = timedelta(hours=1)
SIGNED_OUT = mark("You were signed out, so nothing was saved. Sign in to go on where you were.")
LONGEST_COOKIE = 100
LONGEST_USERNAME = 254
LONGEST_PASSWORD = 256

# A path below the admin: no scheme, no host, nothing that a browser reads as either, and no
# half of a surrogate pair, which no header and no page can carry.
LOCAL_TARGET = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f\ud800-\udfff]*")


class CookieSessions(AuthenticationBackend):
    """SQLAdmin asks this who is there; only active staff and superusers are anybody."""

    def __init__(self, runtime: Runtime, work: AdminWork, base_url: str) -> None:
        self.middlewares = []  # SQLAdmin's own would put a session of its own over the site's
        self._runtime = runtime
        self._authenticator = authenticator_of(runtime)
        self._work = work
        self._base_url = base_url
        self._is_secure = runtime.settings.is_deployed
        self.cookie_name = "__Host-lintel_admin" if self._is_secure else "lintel_admin"
        self.second_step = SecondSteps(self, runtime, work, base_url)

    async def authenticate(self, request: Request) -> Response | bool:
        """Let staff through; send everybody else to the sign-in page and back again."""
        principal = await self.find_principal(request)
        if principal is None:
            response = RedirectResponse(self._sign_in_address(request), status_code=303)
            if request.method == "POST":
                flash.say(response, self._runtime.settings, gettext(SIGNED_OUT))
            return response
        request.state.principal = principal
        return True

    async def get_user_id(self, request: Request) -> int:
        principal: Principal = request.state.principal
        return principal.id

    async def find_principal(self, request: Request) -> Principal | None:
        """Return the member of staff behind the request's cookie, with what they hold."""
        cookie = self.cookie_of(request)
        if cookie is None:
            return None
        principal = await self._work.run(
            self._authenticator.find_browser_principal,
            cookie,
            idle=IDLE,
            # Panels renew themselves as long as a page is open, whoever sits before it.
            is_use=not request.url.path.startswith(f"{self._base_url}/panels/"),
        )
        if principal is None or not self.may_enter(principal):
            return None
        note_user(principal.id)
        return None if self.second_step.is_owed(principal) else principal

    async def login(self, request: Request) -> Response | bool:
        """Check the form; False for a wrong password, an unknown, a disabled, an ordinary one.

        Raises Forbidden for an account that has to confirm its address first, say.
        """
        form = await read_form(request)
        username, password = text_in(form, "username"), text_in(form, "password")
        async with signing_in(request, account=username) as attempt:
            account = await self.check_password(username, password)
            attempt.has_succeeded = account is not None and self.may_enter(account)
        if account is None or not self.may_enter(account):
            logger.warning(
                "Refused to sign in to the admin",
                logger="security",
                event="admin_sign_in_failed",
                client=client_of(request).address,
            )
            return False
        authenticator: object = self._authenticator
        if isinstance(authenticator, EntryCondition):
            authenticator.require_ready(self._runtime, account)
        target = self.local_target(form.get("next"))
        response = await self.second_step.begin(account, target)
        if response is not None:
            return response
        cookie = await self._work.run(self.replace_session, request, account)
        response = RedirectResponse(target, status_code=303)
        self.hand_out(request, response, cookie, account)
        return response

    async def logout(self, request: Request) -> Response:
        """End the session in the database and forget the cookie."""
        cookie = self.cookie_of(request)
        if cookie is not None:
            await self._work.run(self._authenticator.end_browser_session, cookie)
        response = RedirectResponse(f"{self._base_url}/login", status_code=303)
        self.delete_cookie(response, self.cookie_name)
        return response

    @staticmethod
    def may_enter(account: Account) -> bool:
        """Whether this account is let into the admin at all."""
        return account.is_staff or account.is_superuser

    def local_target(self, target: object) -> str:
        """Return where to go after signing in: a page of the admin, whatever was asked for."""
        home = f"{self._base_url}/"
        if not isinstance(target, str) or not LOCAL_TARGET.fullmatch(target):
            return home
        path = URL(target).path
        is_page = path.startswith(home) and not path.startswith((f"{home}login", f"{home}logout"))
        return target if is_page and ".." not in path else home

    async def check_password(self, username: str, password: str) -> Account | None:
        """Find the active account with these credentials; takes as long if there is none."""
        is_plausible = len(username) <= LONGEST_USERNAME and len(password) <= LONGEST_PASSWORD
        if not is_plausible:
            username, password = "", ""  # takes as long as any other wrong answer
        return await self._authenticator.check_password(
            self._runtime, email=username.strip(), password=password
        )

    def replace_session(
        self,
        session: Session,
        request: Request,
        account: Account,
        *,
        is_code_verified: bool = False,
    ) -> str:
        """Begin a session in the place of the one that this browser has; return its cookie."""
        old = self.cookie_of(request)
        if old is not None:
            self._authenticator.end_browser_session(session, old)
        return self._authenticator.start_browser_session(
            session,
            account,
            lifetime=LIFETIME,
            client=client_of(request),
            is_code_verified=is_code_verified,
        )

    def hand_out(self, request: Request, response: Response, cookie: str, account: Account) -> None:
        """Give the browser the cookie of a session that is stored."""
        logger.info(
            "Signed in to the admin",
            logger="security",
            event="admin_signed_in",
            user_id=account.id,
            client=client_of(request).address,
        )
        self.set_cookie(response, self.cookie_name, cookie, LIFETIME)

    def _sign_in_address(self, request: Request) -> str:
        address = f"{self._base_url}/login"
        target = self._way_back(request)
        if self.local_target(target) == f"{self._base_url}/":
            return address
        return f"{address}?{urlencode({'next': target})}"

    def _way_back(self, request: Request) -> str:
        """Return the page that was asked for, or that a form was sent from."""
        for address in (str(request.url), request.headers.get("referer", "")):
            try:
                page = urlsplit(address)
            except ValueError:  # whoever sent it made it up
                continue
            if _can_be_opened(request, page.path):
                return f"{page.path}?{page.query}" if page.query else page.path
        return ""

    def cookie_of(self, request: Request) -> str | None:
        """Return what this browser has for a session, if it is short enough to be one."""
        cookie = request.cookies.get(self.cookie_name)
        return cookie if cookie and len(cookie) <= LONGEST_COOKIE else None

    def set_cookie(self, response: Response, name: str, value: str, lifetime: timedelta) -> None:
        """Set a cookie that no script reads and no other site sends along with a form."""
        response.set_cookie(
            name,
            value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    def delete_cookie(self, response: Response, name: str) -> None:
        """Make the browser forget a cookie."""
        response.delete_cookie(name, secure=self._is_secure, httponly=True, samesite="lax")


def _can_be_opened(request: Request, path: str) -> bool:
    """Whether the admin has a page there: some addresses only take what forms send."""
    asked = {**request.scope, "method": "GET", "path": path}
    routes = request.scope["app"].router.routes
    return any(route.matches(asked)[0] is Match.FULL for route in routes)
