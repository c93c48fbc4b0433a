"""One row for each bucket that has something in it."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from project.db.base import Base

KEY_BYTES = 16


class Bucket(Base):
    """A leaky bucket as a single time: when it will be empty if nothing more comes in (GCRA).

    The table is not logged: a count is worth no write to disk, and after a crash of the
    database everybody starts anew.
    """

    __actions__ = ()
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    key: Mapped[bytes] = mapped_column(LargeBinary(KEY_BYTES), primary_key=True)
    """An HMAC of whose it is: no address, no email."""

    empty_at: Mapped[datetime] = mapped_column(index=True)
