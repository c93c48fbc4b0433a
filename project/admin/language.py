"""The language of whoever looks at a page: what they have chosen, or what their browser prefers."""

from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.i18n import gettext, language, localised, mark, noun, number, speak
from project.i18n.catalogues import Languages, preferred
from project.i18n.dates import write_short_day, write_weekday

COOKIE = "lintel_language"
LIFETIME = 365 * 86_400
UNKNOWN = mark("This language is not offered.")


class LanguageOfPerson:
    """Lets everything that answers a request know in which language, and the answer say so."""

    def __init__(self, app: ASGIApp, languages: Languages, default: str) -> None:
        self.app = app
        self.languages = languages
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        wanted = headers.get("accept-language", "")
        found = self.languages.get(chosen) or preferred(self.languages, wanted, self.default)
        speak(found)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                _name_language(MutableHeaders(scope=message), found.code)
            await send(message)

        await self.app(scope, receive, send_named)


def _name_language(headers: MutableHeaders, code: str) -> None:
    """Pages differ by language; scripts, pictures and files to download do not."""
    if headers.get("content-type", "").startswith("text/html"):
        headers["Content-Language"] = code
        headers.add_vary_header("Accept-Language")
        headers.add_vary_header("Cookie")


def set_language(response: Response, languages: Languages, code: str, *, is_secure: bool) -> None:
    """Let the browser keep a choice. Raises HTTPException for what is not offered."""
    if code not in languages:
        raise HTTPException(400, UNKNOWN)
    response.set_cookie(
        COOKIE,
        code,
        max_age=LIFETIME,
        path="/admin",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )


def install_translation(environment: Environment, languages: Languages) -> None:
    """Give templates `{% trans %}`, `_()`, `ngettext()` and the filters `translate` and `noun`.

    A translated sentence is markup, as the template around it; what is filled in is escaped. Data
    and declared labels go through `translate`, which is text.
    """
    environment.policies["ext.i18n.trimmed"] = True
    environment.add_extension("jinja2.ext.i18n")
    environment.extend(newstyle_gettext=True)
    environment.filters.update(translate=gettext, noun=noun, number=number)
    environment.filters.update(
        short_day=write_short_day, weekday=write_weekday, localised=localised
    )
    environment.globals.update(
        _=_sentence,
        gettext=_sentence,
        ngettext=_count,
        language=language,
        languages=list(languages.values()) if len(languages) > 1 else [],
    )


def _sentence(message: str, **values: Any) -> Markup:
    return Markup(gettext(message)) % values  # noqa: S704 - of a template or a catalogue


def _count(one: str, many: str, num: int, **values: Any) -> Markup:
    # A format of `%s` in the place of each value, so that markup escapes what is filled in.
    template = language().messages.ngettext(one, many, num)
    return Markup(template) % {"num": number(num), **values}  # noqa: S704 - the same
