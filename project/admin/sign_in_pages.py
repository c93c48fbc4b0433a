"""The pages before and around the admin: signing in, the second factor, signing out."""

from sqladmin.authentication import login_required
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from project.admin.pages import AdminPages
from project.admin.sign_in_form import read_form, text_in

LONGEST_ADDRESS = 254


class SignInPages(AdminPages):
    """Who may come in. What decides it is `sessions`."""

    def sign_in_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        both = ["GET", "POST"]
        return [
            Route("/login", self.login, name="login", methods=both),
            Route("/login/code", self.login_code, name="login_code", methods=both),
            Route("/login/enrol", self.login_enrol, name="login_enrol", methods=both),
            Route("/two-factor", self.two_factor, name="two_factor", methods=both),
            Route("/logout", self.logout, name="logout", methods=["POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """Show the sign-in form, or check it."""
        target = self.sessions.local_target(request.query_params.get("next"))
        if request.method != "POST":
            if await self.sessions.find_principal(request) is not None:
                return RedirectResponse(target, 303)
            return await self.page(request, "sqladmin/login.html", target=target)
        answer = await self.sessions.login(request)
        if isinstance(answer, Response):
            return answer
        form = await read_form(request)  # the sessions have read it: this is the same again
        target = self.sessions.local_target(form.get("next"))
        typed = text_in(form, "username")[:LONGEST_ADDRESS]
        return await self.page(
            request, "sqladmin/login.html", 401, target=target, is_refused=True, typed=typed
        )

    async def login_code(self, request: Request) -> Response:
        """Ask for a code of the second factor, or check it."""
        return await self.sessions.second_step.ask_code(request, self.page)

    async def login_enrol(self, request: Request) -> Response:
        """Show what an authenticator app wants to know, or take its first code."""
        return await self.sessions.second_step.enrol(request, self.page)

    @login_required
    async def two_factor(self, request: Request) -> Response:
        """Ask for the password once more, then set up a second factor."""
        return await self.sessions.second_step.set_up(request, self.page)

    async def logout(self, request: Request) -> Response:
        """End the session."""
        return await self.sessions.logout(request)
