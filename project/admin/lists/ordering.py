"""The order of a list, and pages that begin where another one ended.

A cursor is the sort key of a row. The page behind it costs the same however deep it lies. NULL
counts as greater than every value, as it does in PostgreSQL's indexes: last if ascending, first
if descending.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, literal, or_, tuple_
from sqlalchemy.orm import aliased

from project.admin.lists.paths import Path, find_path
from project.admin.lists.values import WrongValue, can_parse, parse_value, write_value
from project.i18n import gettext

MOST_COLUMNS = 4
LONGEST_CURSOR = 1_500

Position = Sequence[Any]


@dataclass(frozen=True)
class SortKey:
    """A column to sort by, and which way."""

    path: Path
    is_descending: bool

    @property
    def name(self) -> str:
        """How an address says it: `-created_at`."""
        return f"-{self.path.name}" if self.is_descending else self.path.name


@dataclass(frozen=True)
class Ordering:
    """A total order: the last of its keys are the primary key's."""

    keys: tuple[SortKey, ...]

    @property
    def has_cursors(self) -> bool:
        """Whether every key can be written into an address."""
        return all(can_parse(key.path.type) for key in self.keys)

    def join(self, statement: Select[Any]) -> tuple[Select[Any], list[Any]]:
        """Return the statement with what the keys need, and their columns."""
        columns = []
        for key in self.keys:
            column = key.path.column
            for relation in key.path.relations:
                target = aliased(relation.property.mapper.class_)
                statement = statement.outerjoin(relation.of_type(target))
                column = getattr(target, key.path.column.key)
            columns.append(column)
        return statement, columns

    def clauses(self, columns: Sequence[Any], *, is_reversed: bool = False) -> list[Any]:
        """Return what goes into ORDER BY, for these columns in the place of the keys'."""
        return [
            column.desc() if key.is_descending != is_reversed else column.asc()
            for key, column in zip(self.keys, columns, strict=True)
        ]

    def behind(
        self, columns: Sequence[Any], position: Position, *, is_reversed: bool = False
    ) -> ColumnElement[bool]:
        """Return the condition for the rows behind a position, or before it if reversed."""
        ways = [key.is_descending != is_reversed for key in self.keys]
        values = [
            None if value is None else literal(value, key.path.type)
            for key, value in zip(self.keys, position, strict=True)
        ]
        is_simple = not any(key.path.is_nullable for key in self.keys)
        if is_simple and len(set(ways)) == 1:
            # One comparison of rows, which one index can serve.
            here, there = tuple_(*columns), tuple_(*values)
            return here < there if ways[0] else here > there
        return _behind(list(zip(columns, values, ways, strict=True)))

    def write_cursor(self, position: Position) -> str | None:
        """Write a position down, with the order it belongs to; None if it gets too long."""
        if not self.has_cursors:
            return None
        values = [None if value is None else write_value(value) for value in position]
        packed = json.dumps([self._name(), *values], separators=(",", ":"), ensure_ascii=False)
        cursor = base64.urlsafe_b64encode(packed.encode()).rstrip(b"=").decode()
        return cursor if len(cursor) <= LONGEST_CURSOR else None

    def read_cursor(self, cursor: str) -> list[Any]:
        """Read a position. Raises WrongValue for what `write_cursor` did not make."""
        try:
            packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            name, *texts = json.loads(packed)
            if name != self._name() or len(texts) != len(self.keys):
                raise WrongValue
            return [_read(key, text) for key, text in zip(self.keys, texts, strict=True)]
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            raise WrongValue(
                gettext("This page belongs to another order: begin at the first.")
            ) from error

    def _name(self) -> str:
        return ",".join(key.name for key in self.keys)


def _behind(steps: list[tuple[Any, Any, bool]]) -> ColumnElement[bool]:
    (column, value, is_descending), *others = steps
    if value is None:
        # NULL is the greatest: behind it there is something only if values descend.
        further = column.is_not(None) if is_descending else false()
        same = column.is_(None)
    else:
        further = column < value if is_descending else or_(column > value, column.is_(None))
        same = column == value
    return or_(further, and_(same, _behind(others))) if others else further


def _read(key: SortKey, text: Any) -> Any:
    if text is None and key.path.is_nullable:
        return None
    if not isinstance(text, str):
        raise WrongValue("no text")
    return parse_value(key.path.type, text)


def read_sort(text: str, *, is_descending: bool) -> list[tuple[str, bool]]:
    """Read `total`, or several columns as `-total,id`; `is_descending` turns the first around."""
    names = [name for name in text.split(",") if name][:MOST_COLUMNS]
    found = [(name.lstrip("-"), name.startswith("-")) for name in names]
    if found and is_descending:
        found[0] = (found[0][0], True)
    return found


def order_by(model: type, keys: Sequence[str], sort: Sequence[tuple[str, bool]]) -> Ordering:
    """Make an order of columns; the primary key, in the last one's direction, makes it total."""
    chosen = dict(sort)
    is_descending = next(reversed(chosen.values()), False)
    for key in keys:
        chosen.setdefault(key, is_descending)
    paths = [(find_path(model, name), way) for name, way in chosen.items()]
    return Ordering(tuple(SortKey(path, way) for path, way in paths if path is not None))
