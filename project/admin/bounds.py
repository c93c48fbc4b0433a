"""What the table says of a number: one sentence, whether the form finds it or the database.

The rules are read from CHECK constraints that compare one column with numbers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, SmallInteger

from project.i18n import gettext

COMPARISON = re.compile(r'(?:"?\w+"?\.)?"?(\w+)"?\s*(>=|<=|>|<)\s*\(?(-?\d+(?:\.\d+)?)\)?')
BETWEEN = re.compile(
    r'((?:"?\w+"?\.)?"?\w+"?)\s+between\s+(-?\d+(?:\.\d+)?)\s+and\s+(-?\d+(?:\.\d+)?)',
    re.IGNORECASE,
)
NOT_PLAIN = re.compile(r"\b(or|not|case)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Bounds:
    """The least and the most that a column takes, and whether they themselves are left out."""

    least: Decimal | None = None
    most: Decimal | None = None
    is_more: bool = False
    is_less: bool = False

    def allow(self, number: Any) -> bool:
        """Whether a number is within them."""
        if self.least is not None and (
            number < self.least or (self.is_more and number == self.least)
        ):
            return False
        return self.most is None or (
            number < self.most or (number == self.most and not self.is_less)
        )

    def sentence(self) -> str:
        """Say what is allowed."""
        least, most = _written(self.least), _written(self.most)
        if self.is_more or self.is_less:
            return self._sentence_of_limits(least, most)
        if not most:
            return gettext("Number must be at least %(least)s.", least=least)
        if not least:
            return gettext("Number must be at most %(most)s.", most=most)
        return gettext("Number must be between %(least)s and %(most)s.", least=least, most=most)

    def _sentence_of_limits(self, least: str, most: str) -> str:
        above = gettext("Number must be more than %(least)s.", least=least)
        below = gettext("Number must be less than %(most)s.", most=most)
        if least and most:
            above = above if self.is_more else replace(self, most=None, is_less=False).sentence()
            below = below if self.is_less else replace(self, least=None, is_more=False).sentence()
            return f"{above} {below}"
        return above if least else below


def bounds_of(column: Column[Any]) -> Bounds:
    """Read the bounds of a column: its type's, if it is whole, and those of the table's rules."""
    found = _bounds_of_type(column)
    for constraint in column.table.constraints:
        if isinstance(constraint, CheckConstraint):
            found = _narrow(found, constraint, column)
    return found


def _bounds_of_type(column: Column[Any]) -> Bounds:
    if not isinstance(column.type, Integer):
        return Bounds()
    small, large = isinstance(column.type, SmallInteger), isinstance(column.type, BigInteger)
    limit = Decimal(2 ** (15 if small else 63 if large else 31))
    return Bounds(-limit, limit - 1)


def _narrow(found: Bounds, constraint: CheckConstraint, column: Column[Any]) -> Bounds:
    for name, sign, number in comparisons(constraint):
        if name != column.name:
            continue
        limit, is_open = Decimal(number), sign in "<>"
        if is_open and isinstance(column.type, Integer):
            limit, is_open = limit + (1 if sign == ">" else -1), False
        if sign.startswith(">") and (found.least is None or limit >= found.least):
            found = replace(found, least=limit, is_more=is_open)
        if sign.startswith("<") and (found.most is None or limit <= found.most):
            found = replace(found, most=limit, is_less=is_open)
    return found


def comparisons(constraint: CheckConstraint) -> Iterator[tuple[str, str, str]]:
    """Yield column, sign and number of what a rule compares; nothing of what is not so plain."""
    text = str(constraint.sqltext.compile(compile_kwargs={"literal_binds": True}))
    if NOT_PLAIN.search(text):
        return
    for part in re.split(
        r"\s+and\s+", BETWEEN.sub(r"\1 >= \2 AND \1 <= \3", text), flags=re.IGNORECASE
    ):
        match = COMPARISON.fullmatch(part.strip().removeprefix("(").removesuffix(")"))
        if match is not None:
            yield match[1], match[2], match[3]


def _written(limit: Decimal | None) -> str:
    return "" if limit is None else f"{limit.normalize():f}"
