"""The columns of a list as its head shows them."""

from dataclasses import dataclass

from sqlalchemy import Boolean, Integer, Numeric
from sqlalchemy.types import Double, Float

from project.admin.lists.ordering import MOST_COLUMNS
from project.admin.lists.panel import Address
from project.admin.lists.paths import find_path
from project.admin.lists.query import ListQuery, may_follow
from project.admin.views import ModelAdmin


@dataclass(frozen=True)
class Column:
    """A column's head: what it is called, how it is laid out, how to sort by it."""

    name: str
    label: str
    kind: str
    sorted: str = ""
    """ascending, descending, or nothing."""

    address: str = ""
    then: str = ""
    """The address that sorts by it where the present order leaves rows equal."""


def describe_columns(query: ListQuery, address: Address) -> list[Column]:
    """Describe the columns that the list shows."""
    return [_describe(query, name, address) for name in query.scope.view.list_columns]


def _describe(query: ListQuery, name: str, address: Address) -> Column:
    view, sort = query.scope.view, dict(query.sort)
    column = Column(name, view.label_of(name), kind_of_column(view, name))
    if name not in view.sort_columns or not may_follow(query.scope, name):
        return column
    now = {key.path.name: key.is_descending for key in query.ordering.keys[:1]} | sort
    state = "" if name not in now else "descending" if now[name] else "ascending"
    turned = "desc" if now.get(name) is False else "asc"
    then = ""
    if sort and name not in sort and len(sort) < MOST_COLUMNS:
        words = [f"-{key}" if way else key for key, way in query.sort]
        then = address(sortBy=",".join([*words, name]), sort=None)
    return Column(name, column.label, column.kind, state, address(sortBy=name, sort=turned), then)


def kind_of_column(view: ModelAdmin, name: str) -> str:
    """Name how a column is laid out: numbers stand to the right, keys are no numbers."""
    path = find_path(view.model, name)
    if path is None or path.target is not None:
        return ""
    source = path.column.property.columns[0]
    if source.primary_key and not path.relations:
        return "id"
    if isinstance(path.type, Boolean):
        return "flag"
    is_number = isinstance(path.type, Integer | Numeric | Float | Double)
    return "number" if is_number and not source.foreign_keys else ""
