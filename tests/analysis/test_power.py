from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgsearch.analysis.comparison import compare_columns
from dgsearch.analysis.cost import LAST, typical_seconds
from dgsearch.analysis.power import pairs_needed, pooled_deviation
from dgsearch.analysis.statistics import detectable_difference, fewest_pairs


@pytest.mark.parametrize(
    ("effect", "pairs"),
    [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)],  # the usual tables of the paired t test
)
def test_pairs_for_a_standardised_effect_are_those_of_the_usual_tables(
    effect: float, pairs: int
) -> None:
    assert pairs_needed(1.0, effect) == pairs
    assert pairs_needed(2.5, -2.5 * effect) == pairs  # only the ratio counts, not the sign


def test_more_power_takes_more_pairs() -> None:
    assert pairs_needed(1.0, 0.5, power=0.95) == 54  # the same tables


@pytest.mark.parametrize(
    ("comparisons", "effect", "pairs"),
    [(5, 0.5, 51), (5, 0.8, 22), (5, 1.0, 16), (10, 0.5, 58)],  # tables at 1%; 10: by simulation
)
def test_comparisons_that_are_corrected_together_take_more_pairs(
    comparisons: int, effect: float, pairs: int
) -> None:
    assert pairs_needed(1.0, effect, comparisons=comparisons) == pairs


def test_no_more_is_promised_than_the_sign_flip_test_can_reach() -> None:
    assert [fewest_pairs(0.05 / tests) for tests in (1, 2, 13)] == [6, 7, 10]  # 2 / 2^n
    assert pairs_needed(1e-6, 1.0, comparisons=13) == 10


@pytest.mark.parametrize("deviation", [0.0, 1e-6, 0.1])
def test_fewer_than_six_pairs_are_never_promised(deviation: float) -> None:
    assert pairs_needed(deviation, 1.0) == 6


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 30.0))
def test_it_is_the_smallest_number_that_suffices(deviation: float) -> None:
    pairs = pairs_needed(deviation, 1.0)
    assert detectable_difference(deviation, pairs) <= 1.0 + 1e-9
    assert pairs == 6 or detectable_difference(deviation, pairs - 1) > 1.0


@pytest.mark.parametrize(("deviation", "difference"), [(1.0, 0.0), (math.nan, 1.0), (1, math.inf)])
def test_numbers_that_are_none_are_refused(deviation: float, difference: float) -> None:
    with pytest.raises(ValueError, match=r"difference = .*, deviation = .*: must be > 0"):
        pairs_needed(deviation, difference)


def test_the_pooled_deviation_weighs_variances_by_their_freedom() -> None:
    wide = pd.DataFrame({"a": [0.0] * 3, "b": [1.0, 3.0, 5.0], "c": [0.0, 2.0, None]})
    found = pooled_deviation(compare_columns(wide, "a"))
    # b: variance 4 with 2 degrees of freedom; c: variance 2 with 1
    assert found.pooled == pytest.approx(math.sqrt(10 / 3))
    assert (found.comparisons, found.pairs) == (2, 3)
    assert (found.low, found.high) == (pytest.approx(math.sqrt(2)), 2.0)


def test_single_seeds_have_no_deviation() -> None:
    found = pooled_deviation(compare_columns(pd.DataFrame({"a": [0.0], "b": [1.0]}), "a"))
    assert found.comparisons == 0
    assert math.isnan(found.pooled)


def test_typical_seconds_split_a_trial_into_stages_and_epochs() -> None:
    trials = pd.DataFrame(
        {
            "trial_number": [0, 1, 2, 3],
            "method": ["m"] * 4,
            "state": ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"],
            "attempt": [1, 1, 1, 2],
            "epochs": [4, 4, 4, 4],
            "wall_s": [30.0, 9.0, 500.0, 500.0],
        }
    )
    stages = pd.DataFrame(
        {
            "trial_number": [0, 1],
            "stage": ["pretrain"] * 2,
            "taken": [False, True],
            "seconds": [20.0, 1.0],
            "saved_s": [0.0, 22.0],
        }
    )
    table = typical_seconds(trials, stages).set_index("stage")
    assert table.loc["pretrain", "seconds"] == 21.0  # of 20 trained and 22 spared
    assert table.loc[LAST, "seconds"] == 2.25  # of 10 / 4 and 8 / 4
    assert table["n"].tolist() == [2, 2]
