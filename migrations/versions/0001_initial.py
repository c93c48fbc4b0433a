"""initial

Revision: 0001
Follows:
Date: 2026-11-23 03:36:37.628650+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "users_user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_user_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users_user")),
        sa.UniqueConstraint("email", name=op.f("uq_users_user_email")),
    )
    op.create_table(
        "items_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("description", sa.String(length=5000), server_default="", nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("stock", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "strip(to_tsvector('simple'::regconfig, replace(replace(replace((((name)::text || ' '::text) || (description)::text), '/'::text, ' '::text), '.'::text, ' '::text), '-'::text, ' '::text)))",
                persisted=True,
            ),
            nullable=False,
        ),
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
        sa.CheckConstraint("price >= 0", name=op.f("ck_items_item_price_not_negative")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_items_item_stock_not_negative")),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["users_user.id"],
            name=op.f("fk_items_item_owner_id_users_user"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items_item")),
    )
    op.create_index(
        op.f("ix_items_item_created_at_id"), "items_item", ["created_at", "id"], unique=False
    )
    op.create_index(op.f("ix_items_item_name_id"), "items_item", ["name", "id"], unique=False)
    op.create_index(
        op.f("ix_items_item_owner_id_created_at_id"),
        "items_item",
        ["owner_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_items_item_price_id"), "items_item", ["price", "id"], unique=False)
    op.create_index(
        op.f("ix_items_item_search"), "items_item", ["search"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "users_auth_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cookie_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_users_auth_session_user_id_users_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users_auth_session")),
        sa.UniqueConstraint("cookie_hash", name=op.f("uq_users_auth_session_cookie_hash")),
    )
    op.create_index(
        op.f("ix_users_auth_session_user_id"), "users_auth_session", ["user_id"], unique=False
    )
    op.create_table(
        "users_refresh_token",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["users_auth_session.id"],
            name=op.f("fk_users_refresh_token_session_id_users_auth_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_users_refresh_token")),
    )
    op.create_index(
        op.f("ix_users_refresh_token_session_id"),
        "users_refresh_token",
        ["session_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_users_refresh_token_session_id"), table_name="users_refresh_token")
    op.drop_table("users_refresh_token")
    op.drop_index(op.f("ix_users_auth_session_user_id"), table_name="users_auth_session")
    op.drop_table("users_auth_session")
    op.drop_index(op.f("ix_items_item_search"), table_name="items_item", postgresql_using="gin")
    op.drop_index(op.f("ix_items_item_price_id"), table_name="items_item")
    op.drop_index(op.f("ix_items_item_owner_id_created_at_id"), table_name="items_item")
    op.drop_index(op.f("ix_items_item_name_id"), table_name="items_item")
    op.drop_index(op.f("ix_items_item_created_at_id"), table_name="items_item")
    op.drop_table("items_item")
    op.drop_table("users_user")
