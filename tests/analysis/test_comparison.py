from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.comparison import LEVEL, compare_columns, tied_with_best
from dgsearch.analysis.statistics import (
    detectable_difference,
    holm,
    intervals_by,
    mean_interval,
    sign_flip_p,
)


def test_holm_matches_a_worked_example() -> None:
    # sorted .01 .02 .03 .04, times 4 3 2 1: .04 .06 .06 .04, then running maximum
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_counts_only_the_tests_that_were_made() -> None:
    adjusted = holm([0.02, math.nan, 0.5])
    assert adjusted[0] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])


def test_a_difference_is_worked_by_hand() -> None:
    wide = pd.DataFrame({"full": [0.5, 0.6, 0.7], "without": [0.4, 0.4, 0.7]})
    table = compare_columns(wide, "full").set_index("row")
    own = table.loc["without"]
    # differences -.1, -.2, 0: mean -.1, deviation .1, t(.975, 2) = 4.302653
    assert own["difference"] == pytest.approx(-0.1)
    assert own["difference_deviation"] == pytest.approx(0.1)
    assert own["high"] == pytest.approx(-0.1 + 4.302653 * 0.1 / math.sqrt(3), abs=1e-6)
    assert own["p"] == 0.5  # 4 of 8 sign patterns reach a sum of .3: the zero has no sign
    assert own["smallest_p"] == 0.25
    assert own["detectable"] == math.inf  # three pairs can never reach 5%
    assert math.isnan(table.loc["full", "p"])


def test_pairs_leave_out_seeds_that_one_side_lacks() -> None:
    wide = pd.DataFrame({"full": [0.5, 0.6, np.nan], "other": [np.nan, 0.7, 0.9]})
    other = compare_columns(wide, "full").set_index("row").loc["other"]
    assert (other["pairs"], other["n"]) == (1, 2)
    assert other["difference"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("pairs", "level"), [(6, 0.05), (7, 0.05), (8, 0.05), (8, 0.01), (9, 0.005), (12, 0.05)]
)
def test_the_detectable_difference_is_found_by_the_sign_flip_test_in_80_of_100_studies(
    pairs: int, level: float
) -> None:
    random = np.random.default_rng(pairs)
    shift = detectable_difference(1.0, pairs, level=level)
    studies = random.normal(shift, 1.0, (1000, pairs))
    found = [sign_flip_p(study) <= level for study in studies.tolist()]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)  # three standard errors


def test_six_pairs_detect_1_79_standard_deviations() -> None:
    assert detectable_difference(1.0, 6) == pytest.approx(1.79, abs=0.02)  # fidelity: 1.79


def test_a_planted_effect_is_told_from_the_best_and_a_tie_is_not() -> None:
    seeds = np.array([0.5, 0.6, 0.7, 0.8, 0.5, 0.6, 0.7, 0.8])
    sign = np.array([1, -1] * 4)
    wide = pd.DataFrame(
        {"best": seeds + 0.001, "equal": seeds + 0.01 * sign, "worse": seeds - 0.1 + 0.01 * sign}
    )
    table = tied_with_best(wide).set_index("row")
    assert table["tied"].to_dict() == {"best": True, "equal": True, "worse": False}


def test_lower_is_better_where_a_study_minimises() -> None:
    wide = pd.DataFrame({"low": [0.1, 0.2], "high": [0.3, 0.4]})
    assert tied_with_best(wide, maximise=False).set_index("row").loc["low", "best"]


@pytest.mark.slow
def test_of_a_thousand_studies_without_any_effect_at_most_5_in_100_claim_one() -> None:
    # eight seeds, four variants equal to the full method; the seeds' spread is shared
    random = np.random.default_rng(7)
    claimed = 0
    for _ in range(1000):
        shared = random.normal(0.5, 0.05, (8, 1))
        wide = pd.DataFrame(shared + random.normal(0, 0.01, (8, 5)), columns=list("abcde"))
        claimed += bool((compare_columns(wide, "a")["p_holm"] <= LEVEL).any())
    assert claimed <= 50


def test_intervals_of_groups_are_those_of_single_groups() -> None:
    frame = pd.DataFrame({"g": ["x", "x", "y", "x"], "v": [1.0, 2.0, 5.0, 4.0]})
    table = intervals_by(frame, ["g"], "v").set_index("g")
    expected = mean_interval([1.0, 2.0, 4.0])
    assert table.loc["x", ["n", "mean", "low", "high"]].tolist() == pytest.approx(
        [3, expected.mean, expected.low, expected.high]
    )
    assert math.isnan(table.loc["y", "low"])


def test_the_95_interval_covers_between_93_and_97_of_100() -> None:
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"study": np.repeat(np.arange(4000), 6)})
    frame["v"] = random.normal(0.3, 0.1, len(frame))
    table = intervals_by(frame, ["study"], "v")
    assert 0.93 <= ((table["low"] <= 0.3) & (table["high"] >= 0.3)).mean() <= 0.97
