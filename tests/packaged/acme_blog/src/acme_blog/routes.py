from fastapi import Request
from starlette.responses import HTMLResponse

from acme_blog import queries
from project.runtime import runtime_of
from project.web.route import Router
from project.web.transaction import DbSession

router = Router(include_in_schema=False)


@router.get("/blog", response_class=HTMLResponse)
def show_blog(session: DbSession, request: Request) -> HTMLResponse:
    titles = [post.title for post in queries.list_posts(session)]
    return runtime_of(request).templates.response(request, "acme_blog/blog.html", titles=titles)
