"""Columns of a model and of rows that it refers to, named as `status` or `user.email`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, UniqueConstraint, inspect
from sqlalchemy.orm import InstrumentedAttribute, RelationshipProperty

Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True)
class Path:
    """The way from a model to a column: over some relations, or none."""

    name: str
    relations: tuple[InstrumentedAttribute[Any], ...]
    column: Any
    target: type | None = None
    """The model that the column refers to, if the path names a relation to one row."""

    @property
    def parameter(self) -> str:
        """What the path is called in an address: `user__email`."""
        return self.name.replace(".", "__")

    @property
    def models(self) -> list[type]:
        """The other models on the way."""
        models = [relation.property.mapper.class_ for relation in self.relations]
        return models if self.target is None else [*models, self.target]

    @property
    def type(self) -> Any:
        """The column's type."""
        return self.column.type

    @property
    def is_nullable(self) -> bool:
        """Whether there may be nothing at its end."""
        return _source(self.column).nullable is not False or any(
            local.nullable
            for relation in self.relations
            for local, _ in relation.property.local_remote_pairs
        )

    @property
    def has_index(self) -> bool:
        """Whether an index of the model's own table begins with the column."""
        return not self.relations and leads_an_index(_source(self.column))

    def matches(self, condition: Condition) -> ColumnElement[bool]:
        """Return the condition that the column at the end fulfils `condition`.

        Over relations it is an EXISTS: no row is found twice, and none is lost for want of
        a related one.
        """
        found = condition(self.column)
        for relation in reversed(self.relations):
            is_many = relation.property.uselist
            found = relation.any(found) if is_many else relation.has(found)
        return found

    def is_missing(self, condition: Condition) -> ColumnElement[bool]:
        """Return the condition that nothing, or only something empty, is at the end."""
        if not self.relations:
            return condition(self.column)
        return ~self.matches(lambda column: ~condition(column))


def find_path(model: type, name: str) -> Path | None:
    """Find a column by its name; None for what is none.

    A relation to one row stands for the foreign key that makes it.
    """
    relations: list[InstrumentedAttribute[Any]] = []
    *way, last = name.split(".")
    for part in way:
        relation = _relation(model, part)
        if relation is None:
            return None
        relations.append(relation)
        model = relation.property.mapper.class_
    found: Any = _relation(model, last)
    if found is not None:
        key = _foreign_key(model, found.property)
        target = found.property.mapper.class_
        return None if key is None else Path(name, tuple(relations), key, target)
    if last not in inspect(model).column_attrs:
        return None
    return Path(name, tuple(relations), getattr(model, last))


def leads_an_index(column: Column[Any]) -> bool:
    """Whether an index begins with the column, so that its values can be walked in order."""
    table: Any = column.table
    keys = [table.primary_key, *table.indexes]
    keys += [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    return any(list(key.columns)[:1] == [column] for key in keys)


def _relation(model: type, name: str) -> InstrumentedAttribute[Any] | None:
    if name not in inspect(model).relationships:
        return None
    attribute: InstrumentedAttribute[Any] = getattr(model, name)
    return attribute


def _foreign_key(model: type, relation: RelationshipProperty[Any]) -> Any:
    """Return the column that a relation to one row is kept in; None if that is not one."""
    pairs = relation.local_remote_pairs or ()
    if relation.uselist or len(pairs) != 1:
        return None
    ((local, remote),) = pairs
    if remote not in relation.mapper.primary_key or not local.foreign_keys:
        return None
    mapper: Any = inspect(model)
    return getattr(model, mapper.get_property_by_column(local).key)


def _source(column: Any) -> Any:
    return column.property.columns[0]
