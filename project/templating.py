"""Server-rendered pages and mails: Jinja2, set up so that mistakes are loud.

The project's `templates/` comes first, then each installed app's `templates/`, in the order
of INSTALLED_APPS: a project can override any template of an app by giving it the same name.
An undefined variable is an error, and everything but `.txt` is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from project.web.headers import csp_nonce
from project.web.static import static_url

if TYPE_CHECKING:
    from project.apps import Registry
    from project.settings import Settings

TEMPLATE_FOLDER = Path(__file__).resolve().parent.parent / "templates"


class Templates:
    """The templates of some folders; the first folder that has a name wins."""

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        globals: Mapping[str, object],  # noqa: A002 - Jinja's own word for it
        auto_reload: bool = True,
    ) -> None:
        self.environment = Environment(
            loader=FileSystemLoader([folder for folder in folders if folder.is_dir()]),
            # Only mails are plain text; everything else is read by a browser.
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=auto_reload,
        )
        self.environment.globals.update(globals)

    def render(self, *names: str, **context: object) -> str:
        """Return the first of these templates that exists, filled in.

        Raises jinja2.TemplateNotFound, and jinja2.UndefinedError for a missing variable.
        """
        return self.environment.select_template(list(names)).render(**context)

    def response(
        self, request: Request, name: str, status_code: int = 200, **context: object
    ) -> HTMLResponse:
        """Return a page; the template also sees `request`."""
        return HTMLResponse(self.render(name, request=request, **context), status_code)

    def error_page(
        self,
        request: Request,
        status_code: int,
        *,
        detail: str = "",
        request_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """Return the page for an error: `errors/<status>.html`, else `errors/error.html`."""
        page = self.render(
            f"errors/{status_code}.html",
            "errors/error.html",
            request=request,
            status=status_code,
            title=_phrase(status_code),
            detail=detail,
            request_id=request_id,
        )
        return HTMLResponse(page, status_code, {"Cache-Control": "no-store", **(headers or {})})


def create_templates(settings: Settings, registry: Registry) -> Templates:
    """Build the project's templates: its own folder, then each app's."""
    return Templates(
        (TEMPLATE_FOLDER, *registry.template_folders()),
        globals={"static_url": static_url, "csp_nonce": csp_nonce, "settings": settings},
        auto_reload=settings.environment == "development",
    )


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "Error"
