"""The declarative base that every model of every app derives from."""

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, func
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

# Every constraint gets a name that does not depend on the database's mood, so that a
# migration written today can drop it next year.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

MAXIMUM_ID = 2**63 - 1

APPEND_ONLY = "append_only"
"""Said in a table's `info` where the database refuses to change rows: `loaddata` does not try."""

BigIntKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
"""A bigint primary key that the database numbers."""


ACTIONS = ("view", "add", "change", "delete")


class Base(DeclarativeBase):
    """A model's base: names its table `<app>_<class>` and its constraints by convention."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True)}

    __actions__: ClassVar[tuple[str, ...]] = ACTIONS
    """What there is to permit: `items.change_item` and so on (`project.permissions`).

    Rows that belong to others and are not permitted one by one say `()`.
    """

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - SQLAlchemy passes the class
        label = cls.__module__.removesuffix(".models").rpartition(".")[2]
        return f"{label}_{snake_case(cls.__name__)}"


class Timestamps:
    """When a row was made and last changed, told by the database's clock, in UTC."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


def snake_case(name: str) -> str:
    """Write a class's name as tables and permissions do: `OrderLine` is `order_line`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
