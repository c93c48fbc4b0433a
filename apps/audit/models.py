"""One row for each change that somebody made, written in the transaction of the change."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from project.db.base import APPEND_ONLY, Base, BigIntKey
from project.web.client import ADDRESS_LENGTH

LABEL_LENGTH = 254


class Change(Base):
    """What one person did to one row. It refers to neither, so that it outlives both.

    A trigger refuses UPDATE and DELETE: what is written stays, until `clearhistory` takes away
    what is old.
    """

    __actions__ = ("view",)
    __table_args__ = (
        # By the id, which is the order of time: newest first, page by page.
        Index("ix_audit_change_object", "model", "object_id", "id"),
        Index("ix_audit_change_actor", "actor_id", "id"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[BigIntKey]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_label: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    action: Mapped[str] = mapped_column(String(40))
    model: Mapped[str] = mapped_column(String(130))
    object_id: Mapped[str] = mapped_column(Text)
    object_label: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    changes: Mapped[dict[str, list[Any]]] = mapped_column(JSONB)
    """By field, before and after; an empty list for a secret."""

    request_id: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(ADDRESS_LENGTH))

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"
