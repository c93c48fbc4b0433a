"""Numbers as people write them on the command line."""

import argparse

import pytest

from project.management.parser import positive


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("1_000_000", 1_000_000), ("1,000", 1000), ("007", 7)]
)
def test_counts(text: str, number: int) -> None:
    assert positive(text) == number


@pytest.mark.parametrize("text", ["0", "-5", "", "many", "1.5"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"from 1 on, not {text!r}"):
        positive(text)
