"""roles and api keys

Revision: 0004
Follows: 0003
Date: 2026-11-23 14:48:43.249727+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "users_group",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users_group")),
        sa.UniqueConstraint("name", name=op.f("uq_users_group_name")),
    )
    op.create_table(
        "users_api_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String(length=150)), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_users_api_key_user_id_users_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_users_api_key_prefix")),
    )
    op.create_index(op.f("ix_users_api_key_user_id"), "users_api_key", ["user_id"], unique=False)
    op.create_table(
        "users_group_permission",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("permission", sa.String(length=150), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["users_group.id"],
            name=op.f("fk_users_group_permission_group_id_users_group"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "permission", name=op.f("pk_users_group_permission")),
    )
    op.create_table(
        "users_user_group",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["users_group.id"],
            name=op.f("fk_users_user_group_group_id_users_group"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_users_user_group_user_id_users_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_users_user_group")),
    )
    op.create_index(
        op.f("ix_users_user_group_group_id"), "users_user_group", ["group_id"], unique=False
    )
    op.create_table(
        "users_user_permission",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("permission", sa.String(length=150), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_users_user_permission_user_id_users_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "permission", name=op.f("pk_users_user_permission")),
    )


def downgrade() -> None:
    op.drop_table("users_user_permission")
    op.drop_index(op.f("ix_users_user_group_group_id"), table_name="users_user_group")
    op.drop_table("users_user_group")
    op.drop_table("users_group_permission")
    op.drop_index(op.f("ix_users_api_key_user_id"), table_name="users_api_key")
    op.drop_table("users_api_key")
    op.drop_table("users_group")
