"""Counts and numbers as text."""

from __future__ import annotations

import pytest

from dgsearch.wording import number_text, plural


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "class", "1 class"),
        (2, "class", "2 classes"),
        (0, "study", "0 studies"),
        (3, "day", "3 days"),
        (1, "seed", "1 seed"),
        (12, "seed", "12 seeds"),
    ],
)
def test_a_count_agrees_with_its_noun(count: int, noun: str, text: str) -> None:
    assert plural(count, noun) == text


@pytest.mark.parametrize(
    ("value", "text"), [(10241.0, "10241"), (0.99999, "0.99999"), (1 / 3, "0.3333"), (0.5, "0.5")]
)
def test_numbers_are_said_in_full_where_seven_digits_say_them(value: float, text: str) -> None:
    assert number_text(value) == text
