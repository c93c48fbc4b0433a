"""The workers that serve, by the last sign of life of each."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from project.db.base import Base

HOST_LENGTH = 100


class Worker(Base):
    """A process that serves. The table is not logged: after a crash it fills within seconds."""

    __actions__ = ("view",)
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """Made at random by each process: a pid comes again, and each container has a 1."""

    host: Mapped[str] = mapped_column(String(HOST_LENGTH))
    pid: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What `apps.monitoring.heartbeat.describe` returned."""
