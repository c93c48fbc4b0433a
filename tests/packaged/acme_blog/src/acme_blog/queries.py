from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from acme_blog.models import Post


def list_posts(session: Session) -> Sequence[Post]:
    return session.scalars(select(Post).order_by(Post.id)).all()
