from acme_blog import queries
from project.web.route import Router
from project.web.schemas import Schema
from project.web.transaction import DbSession

router = Router(prefix="/posts", tags=["acme_blog"])


class PostRead(Schema):
    id: int
    title: str


@router.get("/")
def list_posts(session: DbSession) -> list[PostRead]:
    """All posts, oldest first."""
    return [PostRead.model_validate(post) for post in queries.list_posts(session)]
