"""Numbers as the page writes them: as many digits as tell them apart."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgsearch.report.figures.comparison import domain_figure
from dgsearch.report.words import ACCURACY, PLAIN, TextsOnDemand, short, texts_apart


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.99995, "0.99995"), (0.99999, "0.99999"), (10240.0, "10240"), (10241.0, "10241"),
        (1e-5, "1e-05"), (0.5, "0.5"), (0.003251473912, "0.003251"), (7, "7"), (None, "–"),
    ],
)  # fmt: skip
def test_a_number_that_was_written_is_shown_in_full_and_one_that_was_drawn_in_four_digits(
    value: object, text: str
) -> None:
    assert short(value) == text


def test_values_of_a_foreign_objective_are_told_apart() -> None:
    assert [PLAIN.text(value) for value in (10240.0, 10241.0)] == ["10240", "10241"]


def test_columns_of_a_heat_map_that_four_digits_would_merge_have_more() -> None:
    assert texts_apart([0.123411111, 0.123412222, 1.0]) == ["0.123411", "0.123412", "1"]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True, max_size=6))
def test_different_numbers_have_different_texts(values: list[float]) -> None:
    different = set(values)  # 0.0 and -0.0 are equal
    assert len(set(texts_apart(sorted(different)))) == len(different)


def test_figures_cut_intervals_of_an_accuracy_at_0_and_100_and_the_caption_says_so() -> None:
    summary = pd.DataFrame({
        "row": ["a", "b"], "domain": ["photo", "photo"], "n": [2, 2],
        "mean": [0.84, 0.1], "low": [0.588, -0.2], "high": [1.097, 0.4],
    })  # fmt: skip
    figure = domain_figure(summary, unit=ACCURACY, colours={})
    bars = figure.data[0].error_x
    assert bars.array.tolist() == pytest.approx([16, 30])  # 84 + 16 = 100
    assert bars.arrayminus.tolist() == pytest.approx([25.2, 10])
    assert ACCURACY.ends_words(summary) == (
        " Intervals are cut at 0 and 100 %, where accuracy ends."
    )
    assert ACCURACY.ends_words(summary.assign(low=0.1, high=0.9)) == ""
    assert PLAIN.within(summary) is summary
    assert PLAIN.ends_words(summary) == ""


def test_texts_on_demand_are_made_once_and_only_when_they_are_looked_at() -> None:
    made: list[int] = []
    texts = TextsOnDemand(["a", "b"], lambda place: made.append(place) or f"text {place}")
    assert [*texts] == ["a", "b"]
    assert texts["b"] == texts["b"] == "text 1"
    assert texts.get("c", "–") == "–"
    assert made == [1]
