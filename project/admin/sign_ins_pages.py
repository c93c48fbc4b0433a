"""Where somebody is signed in: one's own sign-ins, and those of accounts that one may change."""

from collections.abc import Sequence
from typing import Any

from loguru import logger
from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from project.admin.pages import AdminPages, path_to, principal_of, read_sent, redirect_saying
from project.admin.rows import select_row
from project.admin.sessions import IDLE
from project.admin.views import ModelAdmin
from project.errors import NotFound
from project.i18n import gettext
from project.web.client import client_of
from project.web.principal import Principal
from project.web.sign_ins import SignIn, SignIns


class SignInsPages(AdminPages):
    """Sign-ins, listed and ended, where the authenticator knows how."""

    @property
    def account_model(self) -> type | None:
        """The model whose rows have sign-ins; None where nobody can list them."""
        knows: object = self.runtime.authenticator
        return knows.account_model if isinstance(knows, SignIns) else None

    def sign_ins_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        if self.account_model is None:
            return []
        both = ["GET", "POST"]
        of_others = "/{identity}/sign-ins/{pk:path}"
        return [
            Route("/sign-ins", self.own_sign_ins, name="own_sign_ins", methods=both),
            Route(of_others, self.sign_ins, name="sign_ins", methods=both),
        ]

    @login_required
    async def own_sign_ins(self, request: Request) -> Response:
        """List where one is signed in, or end that."""
        principal, cookie = principal_of(request), self.sessions.cookie_of(request)
        path = path_to(request, "own_sign_ins")
        if request.method == "POST":
            return await self._end(request, path, principal.id, keep=cookie)
        found = await self.work.run(
            self._knows.list_sign_ins, principal.id, cookie=cookie, idle=IDLE
        )
        return await self.page(request, "sqladmin/sign_ins.html", sign_ins=found, account=None)

    @login_required
    async def sign_ins(self, request: Request) -> Response:
        """List where an account is signed in, or end that, for whoever may change the account."""
        view, identifier = self.view_of(request, "change"), request.path_params["pk"]
        if view.model is not self.account_model:
            raise HTTPException(404, gettext("Only accounts have sign-ins."))
        account, found = await self.work.run(
            self._list_of, view, principal_of(request), identifier, request
        )
        if request.method == "POST":
            path = path_to(request, "sign_ins", identity=view.identity, pk=identifier)
            return await self._end(request, path, account.id, keep=None)
        return await self.page(
            request,
            "sqladmin/sign_ins.html",
            sign_ins=found,
            account=str(account),
            model_view=view,
            identifier=identifier,
        )

    def _list_of(
        self,
        session: Session,
        view: ModelAdmin,
        principal: Principal,
        identifier: str,
        request: Request,
    ) -> tuple[Any, Sequence[SignIn]]:
        account = session.scalars(select_row(view, principal, identifier)).one_or_none()
        if account is None:
            raise NotFound
        view.authorise(session, principal, "change", account, {})
        cookie = self.sessions.cookie_of(request)
        return account, self._knows.list_sign_ins(session, account.id, cookie=cookie, idle=IDLE)

    async def _end(
        self, request: Request, path: str, account_id: int, *, keep: str | None
    ) -> Response:
        sent = await read_sent(request)
        chosen = str(sent.get("id", "")) if sent is not None else ""
        if chosen:
            await self.work.run(self._knows.end_sign_in, account_id, chosen)
        elif sent is not None and sent.get("all"):
            await self.work.run(self._knows.end_sign_ins, account_id, keep_cookie=keep)
        else:
            raise HTTPException(400, gettext("Choose a sign-in first."))
        logger.info(
            "Ended sign-ins in the admin",
            logger="security",
            event="admin_ended_sign_ins",
            user_id=account_id,
            by=principal_of(request).id,
            client=client_of(request).address,
        )
        return redirect_saying(request, path, "ended")

    @property
    def _knows(self) -> SignIns:
        knows: object = self.runtime.authenticator
        assert isinstance(knows, SignIns)  # noqa: S101 - the routes are there because of it
        return knows
