"""What was done, said once on the next page: a sentence in a signed cookie.

An address could say anything to whoever follows a link. Nobody but this site can sign.
"""

import base64
import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from project.settings import Settings

COOKIE = "lintel_admin_said"
LIFETIME = 60
LONGEST = 600


def say(response: Response, settings: Settings, sentence: str) -> Response:
    """Let the next page show a sentence."""
    text = base64.urlsafe_b64encode(sentence[:LONGEST].encode()).decode()
    response.set_cookie(
        COOKIE,
        f"{text}.{_sign(settings.secret_keys[0], text)}",
        max_age=LIFETIME,
        path="/admin",
        secure=settings.is_deployed,
        httponly=True,
        samesite="strict",
    )
    return response


def said(request: Request, settings: Settings) -> str | None:
    """Return the sentence that the page before has left, if it was one of ours."""
    text, _, signature = request.cookies.get(COOKIE, "").partition(".")
    if not text or not any(_is_signed(key, text, signature) for key in settings.secret_keys):
        return None
    return base64.urlsafe_b64decode(text).decode()


def forget(response: Response) -> None:
    """Let no further page show it."""
    response.delete_cookie(COOKIE, path="/admin")


def _is_signed(key: str, text: str, signature: str) -> bool:
    return hmac.compare_digest(_sign(key, text).encode(), signature.encode("utf-8", "replace"))


def _sign(key: str, text: str) -> str:
    return hmac.new(key.encode(), f"admin.flash:{text}".encode(), hashlib.sha256).hexdigest()
