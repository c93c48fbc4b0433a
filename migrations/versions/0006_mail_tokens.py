"""mail tokens

Revision: 0006
Follows: 0005
Date: 2026-11-23 15:10:38.412213+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "users_mail_token",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_users_mail_token_user_id_users_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "purpose", name=op.f("pk_users_mail_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_users_mail_token_token_hash")),
    )
    op.create_index(
        op.f("ix_users_mail_token_expires_at"), "users_mail_token", ["expires_at"], unique=False
    )
    op.add_column("users_user", sa.Column("verified_email", sa.String(length=254), nullable=True))


def downgrade() -> None:
    op.drop_column("users_user", "verified_email")
    op.drop_index(op.f("ix_users_mail_token_expires_at"), table_name="users_mail_token")
    op.drop_table("users_mail_token")
