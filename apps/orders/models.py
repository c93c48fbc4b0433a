"""Orders, what was bought, and the keys that make a retry safe."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from apps.items.models import NAME_LENGTH, Item
from apps.users.models import User
from project.db.base import Base, BigIntKey, Timestamps

PLACED = "placed"
CANCELLED = "cancelled"

MAXIMUM_TOTAL = Decimal("999999999999.99")
KEY_LENGTH = 255


class Order(Timestamps, Base):
    """What somebody bought at one time."""

    # Whoever writes gets `updated_at` back with the write, not by a query of its own.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy declares it so
    __table_args__ = (
        CheckConstraint("status IN ('placed', 'cancelled')", name="status_known"),
        CheckConstraint("total >= 0", name="total_not_negative"),
        # A customer's orders, newest first: read backwards.
        Index(None, "user_id", "created_at", "id"),
        # What the admin's list sorts and filters by.
        Index(None, "created_at", "id"),
        Index(None, "total", "id"),
        Index(None, "status", "created_at", "id"),
    )

    id: Mapped[BigIntKey]
    # An account with orders is deactivated, not deleted.
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="RESTRICT")
    )
    status: Mapped[str] = mapped_column(Text, default=PLACED, server_default=PLACED)
    total: Mapped[Decimal] = mapped_column(Numeric(14, 2))

    user: Mapped[User] = relationship(lazy="raise")
    lines: Mapped[list["OrderLine"]] = relationship(
        lazy="raise", back_populates="order", order_by="OrderLine.id"
    )

    def __str__(self) -> str:
        return f"Order {self.id}"


class OrderLine(Base):
    """So many of one item, at the name and price that it had then."""

    __table_args__ = (
        UniqueConstraint("order_id", "item_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price >= 0", name="unit_price_not_negative"),
    )

    id: Mapped[BigIntKey]
    order_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("orders_order.id", ondelete="CASCADE")
    )
    # What was sold stays in the catalogue: RESTRICT, which looks for lines by this index.
    item_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("items_item.id", ondelete="RESTRICT"), index=True
    )
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    unit_price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    quantity: Mapped[int]

    order: Mapped[Order] = relationship(lazy="raise", back_populates="lines")
    item: Mapped[Item] = relationship(lazy="raise")

    @property
    def line_total(self) -> Decimal:
        """What this line adds to the order's total."""
        return self.unit_price * self.quantity

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"


class IdempotencyKey(Base):
    """A client's name for one attempt to order, and the answer that every retry of it gets.

    The row is written first and its answer last, in the transaction of the order itself: there
    is never one without the other.
    """

    __actions__ = ()

    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[BigIntKey]
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="CASCADE")
    )
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    """The SHA-256 of what was ordered."""

    status: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    body: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
