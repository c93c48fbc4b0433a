"""throttling

Revision: 0005
Follows: 0004
Date: 2026-11-23 14:48:57.862837+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "throttling_bucket",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("empty_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttling_bucket")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        op.f("ix_throttling_bucket_empty_at"), "throttling_bucket", ["empty_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_throttling_bucket_empty_at"), table_name="throttling_bucket")
    op.drop_table("throttling_bucket")
