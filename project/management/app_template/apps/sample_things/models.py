from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from apps.users.models import User
from project.db.base import Base, BigIntKey, Timestamps

TITLE_LENGTH = 200


class SampleThing(Timestamps, Base):
    # Whoever writes gets `updated_at` back with the write, not by a query of its own.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy declares it so

    id: Mapped[BigIntKey]
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    # An account that owns something is deactivated, not deleted.
    owner_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="RESTRICT"), index=True
    )

    owner: Mapped[User] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.title
