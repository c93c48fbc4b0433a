"""The page at `/`: what runs here, and what to try next.

It names paths of the sample apps, but shows only what this application really serves: take
an app out of INSTALLED_APPS and its examples leave the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from platform import python_version

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match

from project.web.static import static_url

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Door:
    """A place of this application that a person may want to open."""

    path: str
    title: str
    description: str


@dataclass(frozen=True)
class Example:
    """A request to try in a terminal."""

    method: str
    path: str
    title: str
    command: str


@dataclass(frozen=True)
class Step:
    """A command for somebody who starts to build."""

    command: str
    description: str


DOORS = (
    Door("/admin/", "Admin", "Find, edit and review everything in the browser."),
    Door("/api/docs", "API", "Try every endpoint, signed in or not."),
    Door("/api/redoc", "Reference", "The same API, made for reading."),
    Door("/api/v1/health", "Health", "One look at the server and its database."),
)

STEPS = (
    Step("uv run manage.py startapp blog", "A new app: models, services, API, admin, tests."),
    Step("uv run manage.py makemigrations", "Write the migration for what changed in models."),
    Step("uv run manage.py migrate", "Bring the database up to date."),
    Step("uv run manage.py shell", "Python with your models and a session at hand."),
    Step("uv run manage.py test", "The whole suite, on a database of its own."),
)

EMAIL = "you@example.com"
PASSWORD = "a-doorway-needs-a-lintel"  # noqa: S105 - an example that is meant to be read


@router.api_route("/", methods=["GET", "HEAD"])
async def home(request: Request) -> HTMLResponse:
    runtime = request.app.state.runtime
    is_production = runtime.settings.environment == "production"
    page: HTMLResponse = runtime.templates.response(
        request,
        "home.html",
        apps=runtime.registry.apps,
        doors=[door for door in DOORS if _is_shown(request, door, is_production=is_production)],
        facts=() if is_production else ((request.app.title, request.app.version), *_versions()),
        examples=() if is_production else _served_examples(request),
        steps=() if is_production else STEPS,
    )
    return page


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def favicon() -> RedirectResponse:
    """Browsers ask for this name wherever no page names an icon: JSON answers, for one."""
    return RedirectResponse(static_url("favicon.svg"))


def examples(origin: str) -> tuple[Example, ...]:
    """Return requests that work one after the other in a POSIX shell."""
    return (
        Example(
            "POST",
            "/api/v1/users/",
            "Register",
            f"curl -s {origin}/api/v1/users/ \\\n"
            "  -H 'Content-Type: application/json' \\\n"
            f"""  -d '{{"email": "{EMAIL}", "password": "{PASSWORD}"}}'""",
        ),
        Example(
            "POST",
            "/api/v1/auth/token",
            "Get a token",
            f"curl -s {origin}/api/v1/auth/token \\\n"
            f"  -d username={EMAIL} \\\n"
            f"  -d password={PASSWORD}",
        ),
        Example(
            "GET",
            "/api/v1/items/",
            "List items",
            f"curl -s '{origin}/api/v1/items/?limit=3'",
        ),
    )


def _served_examples(request: Request) -> list[Example]:
    origin = str(request.base_url).rstrip("/")
    return [
        example for example in examples(origin) if _is_served(request, example.method, example.path)
    ]


def _is_shown(request: Request, door: Door, *, is_production: bool) -> bool:
    is_documentation = door.path in {"/api/docs", "/api/redoc"}
    return not (is_production and is_documentation) and _is_served(request, "GET", door.path)


def _is_served(request: Request, method: str, path: str) -> bool:
    scope = {**request.scope, "method": method, "path": path}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    libraries = ("FastAPI", "SQLAlchemy", "SQLAdmin")
    return (("Python", python_version()), *((name, version(name)) for name in libraries))
