"""Items and their pictures."""

from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, Numeric, String
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from apps.users.models import User
from project.db.base import Base, BigIntKey, Timestamps

NAME_LENGTH = 200
DESCRIPTION_LENGTH = 5000
MAXIMUM_STOCK = 2**31 - 1
KEY_LENGTH = 100
DIGEST_LENGTH = 64
CENT = Decimal("0.01")

# 'simple': whatever language a shop speaks, a word is found as it is written, without stop
# words and stems; the search takes the last word as a beginning. PostgreSQL's parser would read
# "A4/A5" as a path, "v1.2" as a host and "-5" as a number: as spaces, those characters leave
# each word on its own. Stripped of positions, because nothing ranks or looks for phrases.
# Written as the server prints it, since the check for drift compares the texts.
SEARCH_VECTOR = (
    "strip(to_tsvector('simple'::regconfig,"
    " replace(replace(replace((((name)::text || ' '::text) || (description)::text),"
    " '/'::text, ' '::text), '.'::text, ' '::text), '-'::text, ' '::text)))"
)


class Item(Timestamps, Base):
    """Something for sale.

    Neither `stock` nor `updated_at` is in an index, so that a sale rewrites one row and no
    index at all (a heap-only update).
    """

    # Whoever writes gets `updated_at` back with the write, not by a query of its own.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy declares it so
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        # One index per offered order; `id` makes each of them total. All are read both ways.
        Index(None, "created_at", "id"),
        Index(None, "price", "id"),
        Index(None, "name", "id"),
        # A seller's other orders are a walk or a small sort: the larger the share, the shorter
        # the walk.
        Index(None, "owner_id", "created_at", "id"),
        Index(None, "search", postgresql_using="gin"),
    )

    id: Mapped[BigIntKey]
    # Collation "C" sorts by code point on every server, and a new operating system cannot
    # change it under the index. Keyset pages rely on both.
    name: Mapped[str] = mapped_column(String(NAME_LENGTH, collation="C"))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH), server_default="")
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    stock: Mapped[int] = mapped_column(server_default="0")
    # An account with items is deactivated, not deleted: RESTRICT makes a slip impossible.
    owner_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users_user.id", ondelete="RESTRICT")
    )
    # Only ever compared on the server, never loaded.
    search: Mapped[str] = mapped_column(
        TSVECTOR, Computed(SEARCH_VECTOR, persisted=True), deferred=True, deferred_raiseload=True
    )

    owner: Mapped[User] = relationship(lazy="raise")
    image: Mapped["Image | None"] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )

    @validates("price")
    def _to_cents(self, _key: str, price: Decimal) -> Decimal:
        """Give the price the form that it will come back in: 12.5 is 12.50, and -0 is 0.00."""
        return price.quantize(CENT) + 0

    def __str__(self) -> str:
        return self.name


class Image(Timestamps, Base):
    """An item's picture. Its files lie in the storage; their names begin with `key`."""

    __actions__ = ()

    item_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("items_item.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    # Of the large rendition, upright.
    width: Mapped[int]
    height: Mapped[int]
