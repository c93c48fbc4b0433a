"""Pages behind the links that accounts get by mail; they work without JavaScript.

Following a link changes nothing: mail programs look at links before their readers do. The page
shows a button, and the form carries the token. No page tells other sites where it is, since its
address holds a secret.
"""

from typing import Annotated

from fastapi import BackgroundTasks, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from apps.users import background, email_flows
from apps.users.errors import InvalidLink
from apps.users.mail_tokens import Purpose, find_owner
from apps.users.password_rules import MAXIMUM_LENGTH, MINIMUM_LENGTH
from apps.users.validation import Email, Password
from project.errors import DomainError
from project.runtime import runtime_of
from project.web.route import Router
from project.web.same_origin import SAME_OR_OPAQUE_ORIGIN, SAME_ORIGIN
from project.web.throttling import throttled
from project.web.transaction import DbSession, InTransactions

router = Router(prefix="/account", include_in_schema=False)

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}
REFUSED = 422

Field = Annotated[str, Form()]
_email = TypeAdapter[str](Email)
_password = TypeAdapter[str](Password)


@router.get("/reset")
async def show_reset_request(request: Request) -> Response:
    return _page(request, "ask")


@router.post("/reset", dependencies=[SAME_ORIGIN])
@throttled("60/hour", scope="account-mail", by_address=True)
async def request_reset(request: Request, tasks: BackgroundTasks, email: Field = "") -> Response:
    try:
        address = _email.validate_python(email.strip())
    except ValidationError:
        return _page(request, "ask", REFUSED, problem="This is not an email address.")
    tasks.add_task(background.send_reset, runtime_of(request), address)
    return _see("/account/reset/sent")


@router.get("/reset/sent")
async def show_reset_sent(request: Request) -> Response:
    return _page(request, "sent")


@router.get("/reset/done")
async def show_reset_done(request: Request) -> Response:
    return _page(request, "reset_done")


@router.get("/reset/{token}")
async def show_reset(request: Request, transactions: InTransactions, token: str) -> Response:
    user = await transactions.read(find_owner, token=token, purpose=Purpose.RESET)
    if user is None:
        return _dead_link(request)
    return _page(request, "reset", token=token, email=user.email)


@router.post("/reset/password", dependencies=[SAME_OR_OPAQUE_ORIGIN])
async def reset_password(
    request: Request,
    transactions: InTransactions,
    token: Field = "",
    password: Field = "",
    repeated: Field = "",
) -> Response:
    problem = _complaint(password, repeated)
    if problem is None:
        try:
            await email_flows.reset_password(runtime_of(request), token=token, password=password)
        except InvalidLink:
            return _dead_link(request)
        except DomainError as error:
            if error.field != "password":
                raise
            problem = f"{error.title}."
        else:
            return _see("/account/reset/done")
    user = await transactions.read(find_owner, token=token, purpose=Purpose.RESET)
    if user is None:
        return _dead_link(request)
    return _page(request, "reset", REFUSED, token=token, email=user.email, problem=problem)


@router.get("/verify/done")
async def show_verified(request: Request) -> Response:
    return _page(request, "verified")


@router.get("/verify/{token}")
def show_verification(request: Request, session: DbSession, token: str) -> Response:
    user = find_owner(session, token=token, purpose=Purpose.VERIFY)
    if user is None:
        return _dead_link(request)
    return _page(request, "verify", token=token, email=user.email)


@router.post("/verify", dependencies=[SAME_OR_OPAQUE_ORIGIN])
def verify(request: Request, session: DbSession, token: Field = "") -> Response:
    try:
        email_flows.verify_address(session, token=token)
    except InvalidLink:
        return _dead_link(request)
    return _see("/account/verify/done")


@router.get("/email/done")
async def show_changed_email(request: Request) -> Response:
    return _page(request, "email_done")


@router.get("/email/{token}")
def show_email_change(request: Request, session: DbSession, token: str) -> Response:
    if find_owner(session, token=token, purpose=Purpose.CHANGE) is None:
        return _dead_link(request)
    return _page(request, "email", token=token)


@router.post("/email", dependencies=[SAME_OR_OPAQUE_ORIGIN])
def change_email(request: Request, session: DbSession, token: Field = "") -> Response:
    try:
        email_flows.change_email(session, runtime_of(request), token=token)
    except InvalidLink:
        return _dead_link(request)
    return _see("/account/email/done")


def _complaint(password: str, repeated: str) -> str | None:
    """Say what is wrong with two passwords that were typed, before anybody looks at the link."""
    try:
        _password.validate_python(password)
    except ValidationError:
        return f"A password has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters."
    return None if password == repeated else "The two passwords are not the same."


def _page(request: Request, name: str, status: int = 200, **context: object) -> HTMLResponse:
    values = {"problem": None, "minimum": MINIMUM_LENGTH, "maximum": MAXIMUM_LENGTH, **context}
    templates = runtime_of(request).templates
    response = templates.response(request, f"account/{name}.html", status, **values)
    response.headers.update(HEADERS)
    return response


def _dead_link(request: Request) -> HTMLResponse:
    return _page(request, "dead_link", 404)


def _see(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, headers=HEADERS)
