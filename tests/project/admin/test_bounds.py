"""What CHECK constraints say of a number."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Numeric, SmallInteger, Table

from project.admin.bounds import bounds_of


@pytest.mark.parametrize(
    ("kind", "rule", "sentence"),
    [
        (Integer, "n >= 0", "Number must be between 0 and 2147483647."),
        (Integer, "n > 0 AND n < 10", "Number must be between 1 and 9."),
        (SmallInteger, "n <= 5", "Number must be between -32768 and 5."),
        (Numeric, "n BETWEEN 0.5 AND 100", "Number must be between 0.5 and 100."),
        (Numeric, "n >= 0", "Number must be at least 0."),
        (Numeric, "n <= 0", "Number must be at most 0."),
        (Numeric, "n > 0", "Number must be more than 0."),
        (
            Numeric,
            "n > 0 AND n <= 1",
            "Number must be more than 0. Number must be at most 1.",
        ),
        (Numeric, "shop.n >= 1 AND other >= 7", "Number must be at least 1."),
    ],
)
def test_sentence(kind: Any, rule: str, sentence: str) -> None:
    table = Table("shop", MetaData(), Column("n", kind), CheckConstraint(rule))
    assert bounds_of(table.c.n).sentence() == sentence


@pytest.mark.parametrize("rule", ["n >= 0 OR other = 1", "NOT n >= 0", "n >= other", "n % 2 >= 0"])
def test_other_rules_are_left_to_the_database(rule: str) -> None:
    table = Table("shop", MetaData(), Column("n", Numeric), CheckConstraint(rule))
    assert bounds_of(table.c.n).allow(Decimal(-1))


def test_limits_may_be_left_out() -> None:
    rule = CheckConstraint("n > 0 AND n < 1")
    table = Table("shop", MetaData(), Column("n", Numeric), rule)
    allow = bounds_of(table.c.n).allow
    assert [allow(Decimal(n)) for n in ("0", "0.1", "0.9", "1")] == [False, True, True, False]


def test_rules_of_expressions_are_read() -> None:
    column = Column("n", Numeric)
    table = Table("shop", MetaData(), column, CheckConstraint(column >= 2))
    assert bounds_of(table.c.n).sentence() == "Number must be at least 2."
