"""Doubt over seeds, images and domains; values by hand and those of statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dgsearch.analysis.two_sources import (
    bootstrap_error,
    mcnemar,
    mean_squares,
    over_domains,
    seeds_and_images,
)


def _correct(seeds: int, images: int, *, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    effects = random.normal(0, 0.4, (seeds, 1)) + random.normal(0, 1.5, images)
    return (effects + random.normal(size=(seeds, images)) > -0.3).astype(np.float64)


def test_mean_squares_of_two_seeds_and_three_images_are_those_of_paper_and_pencil() -> None:
    # means of seeds 1 and 1/3, of images 1, 1/2 and 1/2; grand mean 2/3
    parts = mean_squares(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))
    assert parts.seeds == pytest.approx(3 * 2 * (1 / 3) ** 2)  # 2/3, one degree of freedom
    assert parts.images == pytest.approx(2 * (1 / 9 + 1 / 36 + 1 / 36) / 2)  # 1/6
    assert parts.rest == pytest.approx((4 / 3 - 2 / 3 - 1 / 3) / 2)  # 1/6 of two


def test_the_variance_is_that_of_the_seeds_and_that_of_the_images_less_what_both_hold() -> None:
    table = _correct(5, 80, seed=2)
    parts = mean_squares(table)
    both = seeds_and_images([table])
    expected = (parts.seeds + parts.images - parts.rest) / table.size
    assert both.error == pytest.approx(math.sqrt(expected))
    alone = seeds_and_images([table], images=False)
    assert alone.error == pytest.approx(table.mean(axis=1).std(ddof=1) / math.sqrt(5))
    of_images = seeds_and_images([table], seeds=False)
    assert of_images.error == pytest.approx(table.mean(axis=0).std(ddof=1) / math.sqrt(80))
    assert both.mean == pytest.approx(table.mean())


@pytest.mark.filterwarnings("ignore::UserWarning")  # of how the optimiser went on
def test_random_effects_are_those_of_statsmodels() -> None:
    formula = pytest.importorskip("statsmodels.formula.api", reason="statsmodels is missing")
    table = _correct(6, 40, seed=2)
    long = pd.DataFrame({
        "y": table.ravel(), "seed": np.repeat(range(6), 40), "image": np.tile(range(40), 6),
        "all": 1,
    })  # fmt: skip
    parts = {"seed": "0 + C(seed)", "image": "0 + C(image)"}
    model = formula.mixedlm("y ~ 1", long, groups="all", vc_formula=parts, re_formula="0")
    fitted = model.fit(reml=True, method=["powell"])
    both = seeds_and_images([table])
    assert both.mean == pytest.approx(fitted.fe_params["Intercept"])
    assert both.error == pytest.approx(fitted.bse_fe["Intercept"], rel=0.001)


def test_the_crossed_bootstrap_agrees_with_the_random_effects() -> None:
    tables = [_correct(8, 300, seed=1), _correct(8, 200, seed=2)]
    assert bootstrap_error(tables) == pytest.approx(seeds_and_images(tables).error, rel=0.15)
    assert bootstrap_error(tables) == bootstrap_error(tables)
    assert math.isnan(bootstrap_error([_correct(1, 20)]))


def test_two_targets_with_the_same_seeds_share_their_doubt() -> None:
    # The same table twice: no doubt of seeds goes away, half of the images' does.
    table = _correct(5, 80)
    one, two = (seeds_and_images([table] * times, images=False) for times in (1, 2))
    assert two.error == pytest.approx(one.error)
    one, two = (seeds_and_images([table] * times, seeds=False) for times in (1, 2))
    assert two.error == pytest.approx(one.error / math.sqrt(2))


def test_a_single_seed_leaves_the_doubt_of_images_alone() -> None:
    table = _correct(1, 80)
    assert math.isnan(seeds_and_images([table]).low)
    p = table.mean()
    assert seeds_and_images([table], seeds=False).error == pytest.approx(
        math.sqrt(p * (1 - p) / 79)
    )


def test_over_domains_like_these_few_targets_are_wide() -> None:
    # Two targets of .5 and .7 at every seed: only the targets differ, t with one freedom, 12.71
    found = over_domains(np.array([[0.5, 0.7]] * 4))
    assert (found.mean, found.error) == (pytest.approx(0.6), pytest.approx(0.1))
    assert found.high - found.mean == pytest.approx(1.2706, abs=1e-3)


def test_mcnemar_counts_what_only_one_of_two_trials_gets_right() -> None:
    first = np.array([1] * 10 + [0] * 2 + [1] * 30)
    second = np.array([0] * 10 + [1] * 2 + [1] * 30)
    found = mcnemar(first, second)
    # 2 (C(12,0) + C(12,1) + C(12,2)) / 2^12
    assert found == (10, 2, pytest.approx(2 * (1 + 12 + 66) / 4096))
    assert mcnemar(first, first).p == 1


def test_interval_of_equal_numbers_is_the_number() -> None:
    assert seeds_and_images([np.ones((3, 10))]) == (1.0, 0.0, 1.0, 1.0)


def test_where_seeds_have_the_larger_part_the_interval_has_their_degrees_of_freedom() -> None:
    # Three seeds far apart on 500 images: t with two degrees of freedom, 4.303
    random = np.random.default_rng(0)
    table = (random.random((3, 500)) < np.array([[0.4], [0.6], [0.8]])).astype(float)
    found = seeds_and_images([table])
    assert found.high - found.mean == pytest.approx(4.303 * found.error, rel=1e-3)
