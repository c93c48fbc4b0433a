"""Light, dark, or as the system has it: a cookie, so that a page is never drawn the wrong way."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from project.i18n import gettext, mark

COOKIE = "lintel_theme"
THEMES = ("system", "light", "dark")
LABELS = (mark("System"), mark("Light"), mark("Dark"))
LIFETIME = 365 * 86_400


def theme_of(request: Request) -> str:
    """Return what the browser has chosen."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def set_theme(response: Response, theme: str, *, is_secure: bool) -> None:
    """Let the browser keep a choice. Raises HTTPException for what is none."""
    if theme not in THEMES:
        raise HTTPException(400, gettext("There are three themes: system, light and dark."))
    response.set_cookie(
        COOKIE,
        theme,
        max_age=LIFETIME,
        path="/admin",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )
