"""Jobs as Procrastinate keeps them. The table is the library's, and no migration here makes it."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, DateTime, Enum, Integer, MetaData, String, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from project.db.base import Base
from project.tasks.enqueueing import ERROR, REQUEST
from project.tasks.tables import SCHEMA

STATUSES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted")

# In no metadata of ours, so that nothing compares, empties or dumps it as one of our own tables.
JOBS = Table(
    "procrastinate_jobs",
    MetaData(schema=SCHEMA),
    Column("id", BigInteger, primary_key=True),
    Column("queue_name", String(128), nullable=False),
    Column("task_name", String(128), nullable=False),
    Column(
        "status",
        Enum(*STATUSES, name="procrastinate_job_status", schema=SCHEMA, create_type=False),
        nullable=False,
    ),
    Column("attempts", Integer, nullable=False, default=0),
    Column("scheduled_at", DateTime(timezone=True)),
    Column("worker_id", BigInteger),
    Column("args", JSONB, nullable=False),
)


class Job(Base):
    """Something that a task was asked to do."""

    __table__ = JOBS
    __actions__: ClassVar[tuple[str, ...]] = ("view",)

    id: Mapped[int]
    queue_name: Mapped[str]
    task_name: Mapped[str]
    status: Mapped[str]
    attempts: Mapped[int]
    scheduled_at: Mapped[datetime | None]
    worker_id: Mapped[int | None]
    args: Mapped[dict[str, Any]]
    """Its arguments, which may be anybody's secret, and what is known besides."""

    @property
    def error(self) -> str:
        """What went wrong last, or nothing."""
        return str(self.args.get(ERROR) or "")

    @property
    def request_id(self) -> str:
        """The request that asked for it, if one did."""
        return str(self.args.get(REQUEST) or "")

    def __str__(self) -> str:
        return f"{self.task_name} {self.id}"
