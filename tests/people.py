"""A table of the suite's own, for tests of the machinery: apps come and go.

It lies beside the migrated tables in the database of each of the suite's processes.
"""

import factory
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from project.db.base import NAMING_CONVENTION, BigIntKey
from tests.factories.base import Factory


class SuiteBase(DeclarativeBase):
    """Not the project's base, whose tables all come from migrations."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Person(SuiteBase):
    __tablename__ = "suite_person"

    id: Mapped[BigIntKey]
    email: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str | None]


class PersonFactory(Factory):
    class Meta:
        model = Person

    email = factory.Sequence(lambda number: f"person{number}@example.com")
    full_name = factory.Faker("name")
