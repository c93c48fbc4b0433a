"""Refuses what a page of another site wants to change here.

Browsers send `Sec-Fetch-Site` with every request, older ones and those on plain HTTP at least
`Origin` with every form. A request with neither comes from no browser, so nobody's cookie was
lent to it.
"""

from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers

from project.errors import Forbidden

OWN_SITES = frozenset({"same-origin", "none"})
OPAQUE = "null"
"""The `Origin` of a page that tells nobody where it is."""


class CrossSiteWrite(Forbidden):
    code = "cross_site_write"
    title = "This request came from another site"


def refuse_other_site(headers: Headers, *, may_be_opaque: bool = False) -> None:
    """Raise CrossSiteWrite unless the request comes from a page of ours, or from no browser.

    A page with `Referrer-Policy: no-referrer` sends forms with an opaque origin, which proves
    nothing; it may do so where the form itself holds a secret.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in OWN_SITES:
            raise CrossSiteWrite
        return
    source = headers.get("origin") or headers.get("referer")
    if source is None or (may_be_opaque and source == OPAQUE):
        return
    if _host_of(source) != headers.get("host", "").lower():
        raise CrossSiteWrite


async def _same_origin(request: Request) -> None:
    refuse_other_site(request.headers)


async def _same_or_opaque_origin(request: Request) -> None:
    refuse_other_site(request.headers, may_be_opaque=True)


# For `dependencies=[…]` of a page's route.
SAME_ORIGIN = Depends(_same_origin)
SAME_OR_OPAQUE_ORIGIN = Depends(_same_or_opaque_origin)


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).netloc.lower() or None
    except ValueError:
        return None
