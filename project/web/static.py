"""The project's own files under `/static/`: stylesheets, scripts, pictures.

Every file has a fingerprint of its content. `static_url` puts it into the address, so that a
browser may keep a file for a year and still sees a change at once; the same fingerprint is
the ETag, so that all workers and hosts agree on it.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope

from project.web.caching import ASK_AGAIN, KEEP

STATIC_FOLDER = Path(__file__).resolve().parent.parent / "static"
STATIC_PREFIX = "/static"


def static_url(path: str) -> str:
    """Return the address of a file in `project/static/`, fingerprint included.

    Raises FileNotFoundError for a file that is not there, so that a misspelt name fails in
    the first test of the page and not in a browser.
    """
    return f"{STATIC_PREFIX}/{quote(path)}?v={fingerprint(STATIC_FOLDER / path)}"


def fingerprint(path: PathLike, stat_result: os.stat_result | None = None) -> str:
    """Return a short name for what the file holds now; read again only after a change."""
    found = stat_result or Path(path).stat()
    return _fingerprint(os.fspath(path), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=512)
def _fingerprint(path: str, _modified: int, _size: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


class ProjectFiles(StaticFiles):
    """Static files whose Cache-Control and ETag follow from their content."""

    def file_response(
        self,
        full_path: PathLike,
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        content = fingerprint(full_path, stat_result)
        response = FileResponse(
            full_path,
            status_code=status_code,
            headers={"etag": f'"{content}"', "cache-control": _lifetime(scope, content)},
            stat_result=stat_result,
        )
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response


def _lifetime(scope: Scope, current: str) -> str:
    """Keep an address for ever only if it names this very content.

    During a deployment an old process may be asked for a new page's file: its answer must
    not be remembered under the new address.
    """
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("v")
    return KEEP if asked == [current] else ASK_AGAIN


def mount_static(app: Starlette) -> None:
    """Serve `project/static/` under `/static/`."""
    app.mount(STATIC_PREFIX, ProjectFiles(directory=STATIC_FOLDER), name="static")
