"""The time zone of whoever looks at a page: moments are shown, and typed, as their clock has it.

The browser says which one that is, in a cookie that `admin.js` sets. Without it, it is UTC.
"""

from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from project.i18n import gettext

COOKIE = "lintel_zone"
LONGEST = 64
DEFAULT = "UTC"

_zone: ContextVar[tuple[str, tzinfo]] = ContextVar("zone", default=(DEFAULT, UTC))


class ZoneOfPerson:
    """Lets everything that answers a request know whose clock it is for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
            _zone.set(find_zone(unquote(cookies.get(COOKIE, ""))))
        await self.app(scope, receive, send)


def find_zone(name: str) -> tuple[str, tzinfo]:
    """Return the zone of this name; what is none, or no name at all, is UTC."""
    if not name or len(name) > LONGEST:
        return DEFAULT, UTC
    try:
        return name, ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # unknown, a folder, no name of a file
        return DEFAULT, UTC


def set_zone(name: str) -> None:
    """Go on with another clock than the browser's: the one that a form was shown by, say."""
    _zone.set(find_zone(name))


def zone_name() -> str:
    """Return the name of the zone of whoever looks at this page."""
    return _zone.get()[0]


def in_zone(moment: datetime) -> datetime:
    """Return a moment as their clock shows it; at the ends of time as UTC has it."""
    try:
        return moment.astimezone(_zone.get()[1])
    except OverflowError:
        return moment.astimezone(UTC)


def from_zone(local: datetime) -> datetime:
    """Return the moment at which their clock shows this; of two such moments the earlier.

    Raises ValueError for what their clock never shows.
    """
    name, zone = _zone.get()
    try:
        moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        is_shown = moment.astimezone(zone).replace(tzinfo=None) == local
    except OverflowError:
        raise ValueError(gettext("A date or time is beyond what can be stored.")) from None
    if not is_shown:
        raise ValueError(
            gettext("There is no such time in %(zone)s: the clocks go forward over it.", zone=name)
        )
    return moment
