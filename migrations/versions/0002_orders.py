"""orders

Revision: 0002
Follows: 0001
Date: 2026-11-23 04:50:42.246117+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "orders_idempotency_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_orders_idempotency_key_user_id_users_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders_idempotency_key")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_orders_idempotency_key_user_id_key")),
    )
    op.create_index(
        op.f("ix_orders_idempotency_key_created_at"),
        "orders_idempotency_key",
        ["created_at"],
        unique=False,
    )
    op.create_table(
        "orders_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="placed", nullable=False),
        sa.Column("total", sa.Numeric(precision=14, scale=2), nullable=False),
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
        sa.CheckConstraint(
            "status IN ('placed', 'cancelled')", name=op.f("ck_orders_order_status_known")
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_orders_order_total_not_negative")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users_user.id"],
            name=op.f("fk_orders_order_user_id_users_user"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders_order")),
    )
    op.create_index(
        op.f("ix_orders_order_user_id_created_at_id"),
        "orders_order",
        ["user_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "orders_order_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_orders_order_line_quantity_positive")),
        sa.CheckConstraint(
            "unit_price >= 0", name=op.f("ck_orders_order_line_unit_price_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["items_item.id"],
            name=op.f("fk_orders_order_line_item_id_items_item"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders_order.id"],
            name=op.f("fk_orders_order_line_order_id_orders_order"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders_order_line")),
        sa.UniqueConstraint(
            "order_id", "item_id", name=op.f("uq_orders_order_line_order_id_item_id")
        ),
    )
    op.create_index(
        op.f("ix_orders_order_line_item_id"), "orders_order_line", ["item_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_orders_order_line_item_id"), table_name="orders_order_line")
    op.drop_table("orders_order_line")
    op.drop_index(op.f("ix_orders_order_user_id_created_at_id"), table_name="orders_order")
    op.drop_table("orders_order")
    op.drop_index(op.f("ix_orders_idempotency_key_created_at"), table_name="orders_idempotency_key")
    op.drop_table("orders_idempotency_key")
