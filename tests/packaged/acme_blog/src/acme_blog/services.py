from sqlalchemy.orm import Session

from acme_blog.models import Post


def publish_post(session: Session, *, title: str) -> Post:
    post = Post(title=title)
    session.add(post)
    session.flush()  # the caller shows its id
    return post
