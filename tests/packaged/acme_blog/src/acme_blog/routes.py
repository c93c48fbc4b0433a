from typing import Annotated

from fastapi import Request
from starlette.responses import HTMLResponse

from acme_blog import queries
from acme_blog.settings import BlogSettings
from project.app_settings import from_settings
from project.runtime import runtime_of
from project.web.route import Router
from project.web.transaction import DbSession

router = Router(include_in_schema=False)


@router.get("/blog", response_class=HTMLResponse)
def show_blog(
    session: DbSession,
    request: Request,
    settings: Annotated[BlogSettings, from_settings(BlogSettings)],
) -> HTMLResponse:
    return runtime_of(request).templates.response(
        request,
        "acme_blog/blog.html",
        heading=settings.title,
        greeting=request.state.blog_greeting,
        titles=[post.title for post in queries.list_posts(session)],
    )
