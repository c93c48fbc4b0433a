"""Which tables go with an app."""

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase

from project.apps import AppConfig, Registry
from project.db.fixtures.tables import choose_tables
from project.db.migrations.removal import tables_of

ITEMS, EXTRA = (
    AppConfig(label=f"items{end}", package=f"apps.items{end}") for end in ("", "_extra")
)
REGISTRY = Registry((ITEMS, EXTRA))


class Base(DeclarativeBase):
    pass


OWN, OTHER = (Table(name, Base.metadata) for name in ("items_tag", "items_extra_tag"))


def test_tables_without_a_model_belong_to_the_longest_label() -> None:
    assert tables_of(ITEMS, REGISTRY, Base) == [OWN]
    assert tables_of(EXTRA, REGISTRY, Base) == [OTHER]


def test_the_same_for_dumps() -> None:
    tables = {table.name: table for table in (OWN, OTHER)}
    assert list(choose_tables(tables, REGISTRY, ["items"])) == ["items_tag"]
    assert list(choose_tables(tables, REGISTRY, [], ["items"])) == ["items_extra_tag"]
