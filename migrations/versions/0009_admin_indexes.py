"""admin indexes

Revision: 0009
Follows: 0008
Date: 2026-11-23 18:07:28.253861+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


ORDERS = {
    "ix_orders_order_created_at_id": ["created_at", "id"],
    "ix_orders_order_total_id": ["total", "id"],
    "ix_orders_order_status_created_at_id": ["status", "created_at", "id"],
}
USERS = {
    "ix_users_user_created_at_id": ["created_at", "id"],
    "ix_users_user_full_name_id": ["full_name", "id"],
}


def upgrade() -> None:
    # Beside the traffic: nobody who writes has to wait. What was begun can be begun again: an
    # index that broke off is there, INVALID, and `IF NOT EXISTS` would be content with it.
    with op.get_context().autocommit_block():
        for table, indexes in (("orders_order", ORDERS), ("users_user", USERS)):
            for name, columns in indexes.items():
                op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
                op.create_index(name, table, columns, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for table, names in (("orders_order", ORDERS), ("users_user", USERS)):
            for name in names:
                op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
