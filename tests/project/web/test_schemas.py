from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from project.db.base import MAXIMUM_ID
from project.web.schemas import Id, Money, Schema, Text


class Number(Schema):
    value: float = 0


@pytest.mark.parametrize("text", ["", "plain", "日本語 🔑", "\u202e\ufeff", "\ud7ff\ue000", "\x01"])
def test_text(text: str) -> None:
    assert TypeAdapter(Text).validate_python(text) == text


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\ud83d\ud83d", 5, None])
def test_text_that_cannot_be_stored(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Text).validate_python(text)


@pytest.mark.parametrize("value", [0, -1, MAXIMUM_ID + 1, 10**20, 1.5, "x", None])
def test_id_out_of_range(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(value)


@pytest.mark.parametrize("value", ["0", "0.01", "9999999999.99", 5, "12.50"])
def test_money(value: Any) -> None:
    assert TypeAdapter(Money).validate_python(value) >= 0


@pytest.mark.parametrize("value", ["-0.01", "0.001", "1e400", "NaN", "Infinity", "10000000000", ""])
def test_money_out_of_range(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Money).validate_python(value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_are_finite(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Number.model_validate_json(f'{{"value": {text}}}')
    assert text not in str(caught.value)


def test_unknown_fields_are_ignored() -> None:
    assert Number.model_validate({"value": 1, "other": 2}).model_dump() == {"value": 1}
