"""What the tests of lists read out of a page."""

import re
from html import unescape
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

ORDERS, USERS, ITEMS = (
    f"/admin/{view}/list" for view in ("orders-order", "users-user", "items-item")
)


def rows_of(page: Response) -> list[int]:
    """Return the identifiers of the rows, in their order."""
    assert page.status_code == 200, page.text[-2000:]
    table = page.text.partition("<tbody>")[2]
    return [int(key) for key in re.findall(r'class="row-link" href="[^"?]*/(\d+)[?"]', table)][::2]


def listed(client: TestClient, path: str, **query: Any) -> list[int]:
    return rows_of(client.get(path, params=query or None))


def link_to(page: Response, name: str) -> str | None:
    """Return where a link with this text leads to, or with this `rel`."""
    pattern = rf'<a[^>]*?href="([^"]*)"[^>]*>(?:<span>)?{re.escape(name)}<'
    found = re.search(pattern, page.text) or re.search(
        rf'rel="{re.escape(name)}" href="([^"]*)"', page.text
    )
    return unescape(found[1]) if found else None


def walk(client: TestClient, path: str, way: str = "next") -> list[list[int]]:
    """Follow the pages to the end of the list, or to its beginning."""
    base, pages = path.partition("?")[0], []
    while True:
        page = client.get(path)
        pages.append(rows_of(page))
        following = link_to(page, way)
        if following is None:
            return pages
        assert len(pages) < 50, "the pages have no end"
        path = base + following
