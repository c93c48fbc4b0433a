from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from project.db.base import Base, BigIntKey, Timestamps


class Post(Timestamps, Base):
    """What somebody has written."""

    id: Mapped[BigIntKey]
    title: Mapped[str] = mapped_column(String(200), unique=True)
