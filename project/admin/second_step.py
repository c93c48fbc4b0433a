"""Between the password and the admin: a code of the second factor, or setting one up.

A cookie of five minutes carries the proof that the password was right. It opens nothing but
these two pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import segno
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from project.admin.sign_in_form import read_form, text_in
from project.admin.work import AdminWork
from project.errors import DomainError, Unauthenticated
from project.runtime import Runtime
from project.web.client import client_of
from project.web.principal import Account
from project.web.second_factor import Offer, SecondFactor, SecondStep
from project.web.throttling import signing_in

if TYPE_CHECKING:
    from project.admin.sessions import CookieSessions

LIFETIME = timedelta(minutes=5)
LONGEST_PROOF = 200
LONGEST_CODE = 64

Page = Callable[..., Awaitable[Response]]
PATHS = {SecondStep.CODE: "login/code", SecondStep.ENROLMENT: "login/enrol"}


class ProofOver(Unauthenticated):
    """Nobody has shown a password in this browser within the last minutes."""


class Admitted(NamedTuple):
    """Whose session began, its cookie, and the recovery codes if they are new."""

    principal: Account
    cookie: str
    recovery_codes: list[str]


class SecondSteps:
    """The two pages, and the cookie that leads to them."""

    def __init__(
        self, sessions: CookieSessions, runtime: Runtime, work: AdminWork, base_url: str
    ) -> None:
        self._sessions = sessions
        self._runtime = runtime
        self._work = work
        self._base_url = base_url
        self._cookie_name = f"{sessions.cookie_name}_proof"

    def is_owed(self, principal: Account) -> bool:
        """Whether an account that is signed in lacks a factor that it has to have by now."""
        factor: object = self._runtime.authenticator
        return (
            isinstance(factor, SecondFactor)
            and factor.second_step(self._runtime, principal) is SecondStep.ENROLMENT
        )

    async def begin(self, principal: Account, target: str) -> Response | None:
        """Send whoever has shown the password to the next step; None if there is none."""
        factor: object = self._runtime.authenticator
        if not isinstance(factor, SecondFactor):
            return None
        step = factor.second_step(self._runtime, principal)
        if step is SecondStep.NONE:
            return None
        return await self._lead_to(step, principal, target)

    async def set_up(self, request: Request, page: Page) -> Response:
        """Let somebody who is signed in set up a factor, after showing the password again."""
        principal: Account = request.state.principal
        is_active = self._factor.second_step(self._runtime, principal) is SecondStep.CODE
        is_refused = False
        if request.method == "POST" and not is_active:
            password = text_in(await read_form(request), "password")
            async with signing_in(request, account=principal.email) as attempt:
                proven = await self._sessions.check_password(principal.email, password)
                attempt.has_succeeded = proven is not None
            if proven is not None:
                return await self._lead_to(SecondStep.ENROLMENT, proven, f"{self._base_url}/")
            is_refused = True
        status = 403 if is_refused else 200
        template = "sqladmin/two_factor.html"
        return await page(request, template, status, is_active=is_active, is_refused=is_refused)

    async def _lead_to(self, step: SecondStep, principal: Account, target: str) -> Response:
        """Send the browser to a step, with the proof that the password was right."""
        factor = self._factor
        if step is SecondStep.ENROLMENT:
            await self._work.run(factor.offer_factor, self._runtime, principal)
        path = f"{self._base_url}/{PATHS[step]}?{urlencode({'next': target})}"
        response = RedirectResponse(path, status_code=303)
        proof = factor.issue_proof(self._runtime, principal)
        self._sessions.set_cookie(response, self._cookie_name, proof, LIFETIME)
        return response

    async def ask_code(self, request: Request, page: Page) -> Response:
        """Show the form for a code, or check what was sent."""
        template, form = "sqladmin/login_code.html", await read_form(request)
        target = self._target(request, form)
        try:
            if request.method != "POST":
                await self._work.run(self._find_proven, request)
                return await page(request, template, target=target)
            admitted = await self._work.run(self._check_code, request, _code_in(form))
        except ProofOver:
            return self._start_again(target)
        if isinstance(admitted, DomainError):
            return await self._refuse(request, page, template, admitted, target=target)
        response = RedirectResponse(target, status_code=303)
        return self._let_in(request, response, admitted)

    async def enrol(self, request: Request, page: Page) -> Response:
        """Show the secret and its QR code, or begin with the first code of it."""
        template, form = "sqladmin/login_enrol.html", await read_form(request)
        target = self._target(request, form)
        try:
            offer = await self._work.run(self._find_offer, request)
            picture = await self._runtime.lanes.cpu.run(_draw, offer.uri)
            context = {"target": target, "offer": offer, "picture": picture}
            if request.method != "POST":
                return await page(request, template, **context)
            admitted = await self._work.run(self._confirm, request, _code_in(form))
        except ProofOver:
            return self._start_again(target)
        if isinstance(admitted, DomainError):
            return await self._refuse(request, page, template, admitted, **context)
        codes = admitted.recovery_codes
        shown = await page(request, "sqladmin/recovery_codes.html", target=target, codes=codes)
        return self._let_in(request, shown, admitted)

    # -- in the transaction -----------------------------------------------------------------

    def _find_proven(self, session: Session, request: Request) -> Account:
        proof = request.cookies.get(self._cookie_name, "")
        principal = None
        if len(proof) <= LONGEST_PROOF:
            principal = self._factor.find_proven(session, self._runtime, proof)
        if principal is None or not self._sessions.may_enter(principal):
            raise ProofOver
        return principal

    def _check_code(self, session: Session, request: Request, code: str) -> Admitted | DomainError:
        principal = self._find_proven(session, request)
        client = client_of(request)
        refusal = self._factor.check_code(
            session, self._runtime, principal, code=code, client=client
        )
        if refusal is not None:
            return refusal
        return self._admit(session, request, principal, [])

    def _find_offer(self, session: Session, request: Request) -> Offer:
        principal = self._find_proven(session, request)
        offer = self._factor.find_offer(session, self._runtime, principal)
        if offer is None:
            raise ProofOver
        return offer

    def _confirm(self, session: Session, request: Request, code: str) -> Admitted | DomainError:
        principal = self._find_proven(session, request)
        client = client_of(request)
        codes = self._factor.confirm_factor(
            session, self._runtime, principal, code=code, client=client
        )
        if isinstance(codes, DomainError):
            return codes
        return self._admit(session, request, principal, codes)

    def _admit(
        self, session: Session, request: Request, principal: Account, codes: list[str]
    ) -> Admitted:
        cookie = self._sessions.replace_session(session, request, principal, is_code_verified=True)
        return Admitted(principal, cookie, codes)

    # -- answers ----------------------------------------------------------------------------

    def _let_in(self, request: Request, response: Response, admitted: Admitted) -> Response:
        self._sessions.delete_cookie(response, self._cookie_name)
        self._sessions.hand_out(request, response, admitted.cookie, admitted.principal)
        return response

    async def _refuse(
        self, request: Request, page: Page, template: str, error: DomainError, **context: Any
    ) -> Response:
        response = await page(request, template, error.status, refusal=error.detail, **context)
        response.headers.update(error.headers)
        return response

    def _start_again(self, target: str) -> Response:
        query = urlencode({"next": target})
        return RedirectResponse(f"{self._base_url}/login?{query}", status_code=303)

    def _target(self, request: Request, form: FormData) -> str:
        asked = form.get("next") if request.method == "POST" else request.query_params.get("next")
        return self._sessions.local_target(asked)

    @property
    def _factor(self) -> SecondFactor:
        factor: object = self._runtime.authenticator
        if not isinstance(factor, SecondFactor):
            raise ProofOver
        return factor


def _code_in(form: FormData) -> str:
    return text_in(form, "code")[:LONGEST_CODE]


def _draw(uri: str) -> str:
    """Draw a QR code as SVG. Dark on light in either scheme: not all readers take the reverse."""
    return segno.make_qr(uri, error="m").svg_inline(omitsize=True, dark="#000", light="#fff")
