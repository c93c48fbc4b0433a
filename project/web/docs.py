"""The two pages of API documentation, without the internet.

FastAPI's own pages load their scripts from a content network. These load them from
`project/static/vendor/`, wear the project's header, and send a Content-Security-Policy with
which a browser refuses to ask any other host, whatever the bundles would like to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

if TYPE_CHECKING:
    from project.templating import Templates

# Both bundles write style attributes; Redoc's search runs in a worker made from a blob.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def mount_docs(
    app: FastAPI,
    *,
    openapi_url: str | None = None,
    docs_url: str = "/api/docs",
    redoc_url: str = "/api/redoc",
) -> None:
    """Add Swagger UI, its OAuth2 landing page, and Redoc; with `openapi_url` the schema, too.

    `openapi_url` is the application's own unless given. An application that does not serve
    its schema (production) gets no documentation pages either.
    """
    schema_url = openapi_url or app.openapi_url
    if schema_url is None:
        return
    if app.openapi_url is None:
        app.add_route(schema_url, _schema, name="openapi", include_in_schema=False)
    redirect_url = f"{docs_url}/oauth2-redirect"

    async def swagger(request: Request) -> HTMLResponse:
        return _page(request, "docs/swagger.html", schema_url, redirect_url)

    async def oauth2_redirect(request: Request) -> HTMLResponse:
        return _page(request, "docs/oauth2_redirect.html", schema_url, redirect_url)

    async def redoc(request: Request) -> HTMLResponse:
        return _page(request, "docs/redoc.html", schema_url, redirect_url)

    app.add_route(docs_url, swagger, name="docs", include_in_schema=False)
    app.add_route(redirect_url, oauth2_redirect, name="oauth2_redirect", include_in_schema=False)
    app.add_route(redoc_url, redoc, name="redoc", include_in_schema=False)


def _schema(request: Request) -> JSONResponse:
    """Write the document in a thread: FastAPI's own route blocks the loop meanwhile."""
    root_path = request.scope.get("root_path", "").rstrip("/")
    servers = {"servers": [{"url": root_path}]} if root_path else {}
    return JSONResponse(request.app.openapi() | servers)


def _page(request: Request, name: str, openapi_url: str, redirect_url: str) -> HTMLResponse:
    templates: Templates = request.app.state.runtime.templates
    page = templates.response(
        request, name, openapi_url=openapi_url, oauth2_redirect_url=redirect_url
    )
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page
