from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.comparison import tied_with_best
from dgsearch.analysis.cost import cost_table
from dgsearch.analysis.domains import domain_table
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.shared_seeds import (
    balanced,
    best_column,
    complete_crossing,
    shared_trials,
)
from dgsearch.analysis.statistics import best_p_values, effect_p, sign_flip_p

NAN = float("nan")


def test_the_block_of_the_most_numbers_is_compared() -> None:
    wide = pd.DataFrame(
        {"a": [0.1, 0.2, 0.3, 0.4], "b": [NAN, 0.2, 0.3, 0.4], "c": [NAN, NAN, NAN, 0.9]}
    )
    block = balanced(wide)  # a alone 4, a and b 6, all three 3
    assert (list(block.columns), list(block.index)) == (["a", "b"], [1, 2, 3])


def test_a_group_without_the_shared_seeds_keeps_its_trials_and_is_told() -> None:
    trials = pd.DataFrame(
        {
            "row": ["a", "a", "a", "b", "b", "c"],
            "seed": [0, 1, 2, 1, 2, 9],
            "trial_number": range(6),
        }
    )  # a alone 3, a and b 4, all three 0
    shown, apart = shared_trials(trials)
    assert shown["trial_number"].tolist() == [1, 2, 3, 4, 5]
    assert apart == {"c"}


def test_where_no_seed_is_known_every_trial_is_shown() -> None:
    trials = pd.DataFrame({"row": ["a", "b"], "seed": [NAN, NAN], "trial_number": [0, 1]})
    shown, apart = shared_trials(trials)
    assert shown["trial_number"].tolist() == [0, 1]
    assert apart == set()


def test_nothing_is_compared_where_nothing_is_there() -> None:
    assert balanced(pd.DataFrame({"a": [NAN], "b": [NAN]})).empty
    assert best_column(pd.DataFrame({"a": [NAN]})) is None
    assert tied_with_best(pd.DataFrame({"a": [NAN]}))["best"].tolist() == [False]


def _failed_at_hard_seeds() -> pd.DataFrame:
    """Case `unbalanced_seeds`: 1.0 is 2 points below 0.5 at every seed and lacks seeds 0, 1."""
    level = 0.4 + 0.05 * np.arange(6)
    return pd.DataFrame(
        {0.0: level - 0.04, 0.5: level, 1.0: np.where(np.arange(6) < 2, NAN, level - 0.02)}
    )


def test_a_value_that_failed_at_hard_seeds_is_not_the_best() -> None:
    table = tied_with_best(_failed_at_hard_seeds()).set_index("row")
    assert table["mean"].idxmax() == 1.0  # by its easier seeds
    assert table.loc[0.5, "best"]
    assert table.loc[1.0, "difference"] == pytest.approx(-0.02)
    assert table["pairs"].tolist() == [4, 4, 4]
    assert table["seeds"].tolist() == [4, 4, 4]
    assert table["elsewhere"].tolist() == [True, True, False]


def test_bold_and_pareto_rest_on_the_shared_seeds() -> None:
    wide = _failed_at_hard_seeds().rename(columns=str)
    long = wide.rename_axis("seed").reset_index().melt("seed", var_name="row", value_name="t")
    long = long.dropna()
    table = domain_table(long.assign(**{MEAN: long["t"]}), targets=["t"]).set_index("row")
    assert table[table["domain"] == "t"]["best"].to_dict() == {
        "0.0": False, "0.5": True, "1.0": False,
    }  # fmt: skip
    trials = long.rename(columns={"t": "accuracy/t"}).assign(
        study="s", state="COMPLETE", config_id=long["row"], wall_s=1.0, saved_s=0.0,
        peak_memory_mb=1.0, trial_number=range(len(long)),
    )  # fmt: skip
    scores = pd.DataFrame({"trial_number": [], "metric": [], "value": []})
    efficient = cost_table(trials, scores, targets=["t"]).set_index("row")["efficient"]
    assert efficient.to_dict() == {"0.0": False, "0.5": True, "1.0": False}


def test_a_gap_of_a_grid_leaves_out_its_settings_at_that_seed() -> None:
    grid = pd.DataFrame(
        [(x, y, s) for x in (1, 2) for y in (1, 2) for s in (0, 1)], columns=["x", "y", "seed"]
    )
    found = complete_crossing(grid.drop(0), ["x"], ["y"])  # x = 1, y = 1, seed 0 failed
    assert len(found) == 6
    assert not ((found["y"] == 1) & (found["seed"] == 0)).any()


def test_random_points_are_never_complete_and_stay() -> None:
    points = pd.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6], "seed": 0})
    assert len(complete_crossing(points, ["x"], ["y"])) == 3


def test_a_p_value_of_the_best_is_worked_by_hand() -> None:
    # a - b = 1, 1, 2 with equal denominators: of 8 sign patterns one reaches the sum of 4
    found = best_p_values(np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]]))
    assert found == [1.0, 0.125]


def test_sums_of_zero_have_p_one() -> None:
    assert sign_flip_p([0.1, 0.2, -0.3]) == 1.0
    random = np.random.default_rng(0)
    for _ in range(300):
        values = random.integers(-60, 60, 7) / 600
        assert sign_flip_p([*values, *(-values)]) == 1.0


def test_values_that_differ_alike_at_every_seed_have_the_smallest_p() -> None:
    # two values, four seeds, always the same sign: 2 of 16 patterns
    assert effect_p(np.array([[0.0, 1.0]] * 4)) == pytest.approx(2 / 16, abs=0.02)
    assert effect_p(np.array([[0.0, 1.0]])) == 1.0
    assert effect_p(np.full((5, 3), 0.7)) == 1.0


@pytest.mark.parametrize("seeds", [6, 13])
def test_a_group_that_is_as_good_as_the_others_is_left_out_in_at_most_5_of_100_studies(
    seeds: int,
) -> None:
    random = np.random.default_rng(seeds)
    out = 0
    for _ in range(200 if seeds < 10 else 60):
        level = random.normal(0.6, 0.05, (seeds, 1))
        numbers = np.round((level + random.normal(0, 0.02, (seeds, 5))) * 100) / 100
        out += best_p_values(numbers)[0] <= 0.05
    assert out / (200 if seeds < 10 else 60) <= 0.085  # 5% and two standard errors of 200
