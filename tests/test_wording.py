"""Counts and numbers as text."""

from __future__ import annotations

import pytest

from dgsearch.wording import counted, fixed_text, number_text, p_text, plural, short_duration, were


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
    ("count", "text"),
    [
        (1, "1 trial was stopped early and is excluded."),
        (2, "2 trials were stopped early and are excluded."),
        (0, "0 trials were stopped early and are excluded."),
    ],
)
def test_the_verbs_of_a_sentence_agree_with_its_count(count: int, text: str) -> None:
    assert counted(count, "trial", "{was} stopped early and {is} excluded") == text


@pytest.mark.parametrize(
    ("value", "text"), [(10241.0, "10241"), (0.99999, "0.99999"), (1 / 3, "0.3333"), (0.5, "0.5")]
)
def test_numbers_are_said_in_full_where_seven_digits_say_them(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text", "largest_unit"),
    [
        (0.012, "0.012 s", "0 s"),
        (12.4, "12 s", "12 s"),
        (320.0, "5 min 20 s", "5 min"),
        (3599.9, "1 h 00 min", "1 h"),  # rounded first: never 60 minutes
        (3900.0, "1 h 05 min", "1 h"),
        (187200.0, "2 d 04 h", "2 d"),
    ],
)
def test_a_short_duration_has_its_largest_units(
    seconds: float, text: str, largest_unit: str
) -> None:
    assert short_duration(seconds) == text
    assert short_duration(seconds, units=1) == largest_unit


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "< 0.001"), (0.0312, "0.031"), (1.0, "1"), (float("nan"), "–")]
)
def test_a_p_value_is_never_zero(p: float, text: str) -> None:
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [(-0.04, "0.0", "+0.0"), (-0.0, "0.0", "+0.0"), (-0.06, "-0.1", "-0.1"), (2.0, "2.0", "+2.0")],
)
def test_a_difference_that_rounds_to_zero_has_no_minus(
    value: float, plain: str, signed: str
) -> None:
    assert fixed_text(value, 1) == plain
    assert fixed_text(value, 1, signed=True) == signed


def test_no_number_is_minus_zero() -> None:
    assert number_text(-0.0) == "0"


@pytest.mark.parametrize(("count", "verb"), [(0, "were"), (1, "was"), (2, "were")])
def test_a_verb_agrees_with_its_count(count: int, verb: str) -> None:
    assert were(count) == verb
