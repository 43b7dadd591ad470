from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from dgsearch.designs.judging import (
    BUDGET,
    DROPPED,
    FAILED,
    KEPT,
    LOOKS,
    OPEN,
    WAITING,
    Noise,
    Verdict,
    judge,
    part_of,
    pooled_noise,
)
from tests.benchmarks.judge_series import SETTINGS, one_series

KNOWN = Noise(variance=0.0001, weight=1e6, pooled=1e6)  # a deviation of 0.01, known for certain


def _judge(
    differences: Sequence[float | None],
    *,
    part: float = 0.001,
    noise: Noise = KNOWN,
    most: int = 8,
    images: float = math.inf,
) -> Verdict:
    own = [None if number is None else 0.5 + number for number in differences]
    return judge(own, [0.5] * len(own), part=part, noise=noise, most_seeds=most, images=images)


def test_the_parts_of_a_series_that_keeps_nothing_add_up_to_less_than_the_budget() -> None:
    spent = 0.0
    for number in range(1, 1001):
        spent += part_of(number, spent)
    assert part_of(1, 0) == pytest.approx(0.05 / 51)
    assert spent == pytest.approx(0.05 * 1000 / 1050)  # j / (50 + j) of it
    assert part_of(1001, BUDGET) == 0


def test_looks_share_the_part_of_a_proposal() -> None:
    assert sum(LOOKS.values()) == pytest.approx(1)


def test_a_known_noise_gives_the_p_value_of_the_normal_distribution() -> None:
    found = _judge([0.02, 0.02, 0.02, 0.02], part=0.01)
    assert found.decision == KEPT
    # t = 0.02 / (0.01 / 2) = 4; one-sided p of 4 deviations is 3.167e-5, over the share 0.1
    assert found.p == pytest.approx(3.167e-4, rel=1e-3)
    # 95% over all looks: 1 - 0.05 * 0.1, two-sided, is 2.807 deviations of 0.005
    assert found.low == pytest.approx(0.02 - 2.807 * 0.005, abs=1e-5)
    assert found.high == pytest.approx(0.02 + 2.807 * 0.005, abs=1e-5)


def test_own_noise_counts_where_it_is_larger_than_the_pool() -> None:
    found = _judge([0.5, 0.1, 0, 0], most=4)
    # mean 0.15, variance (0.35^2 + 0.05^2 + 2 * 0.15^2) / 3: t = 0.15 / 0.119, not 0.15 / 0.005
    assert found.variance == pytest.approx(0.17 / 3)
    assert found.decision == OPEN
    assert found.p == 1  # 0.104 / 0.1


def test_the_weight_of_the_pool_decides_the_degrees_of_freedom() -> None:
    found = _judge([0.02, 0.02, 0.02, 0.02], noise=Noise(0.0001, 3, 3), most=4)
    # moderated variance 0.0001 * 3 / 6; t = 0.02 / sqrt(0.00005 / 4) = 5.657 with 6 degrees
    assert found.p == pytest.approx(6.56e-4 / 0.1, rel=0.01)


def test_more_seeds_come_only_while_the_decision_is_open() -> None:
    assert _judge([0.0, 0.001, -0.001, 0.001]).decision == DROPPED
    assert _judge([0.008] * 4) == _judge([0.008] * 4 + [None] * 4)
    waiting = _judge([0.008] * 4 + [None] * 4)
    assert (waiting.decision, waiting.seeds, waiting.pairs) == (WAITING, 6, 4)
    assert _judge([0.008] * 8).decision == OPEN  # t = 2.26
    assert _judge([0.008] * 16, most=16).seeds == 16
    assert _judge([0.02] * 4, part=1e-5).decision == WAITING


def test_what_came_after_a_decision_changes_nothing() -> None:
    assert _judge([-0.01] * 4 + [0.5] * 4) == _judge([-0.01] * 4)


def test_failed_seeds_are_left_out_and_three_pairs_are_the_least() -> None:
    assert _judge([0.02, math.nan, 0.02, 0.02]).pairs == 3
    found = _judge([0.02, math.nan, math.nan, 0.02])
    assert (found.decision, found.pairs) == (FAILED, 2)


def test_a_trial_that_has_not_ended_is_waited_for() -> None:
    assert _judge([0.02, None, 0.02, 0.02]).decision == WAITING
    assert judge([], [], part=0.1, noise=KNOWN).seeds == 4


def test_few_images_keep_the_error_from_vanishing() -> None:
    silent = Noise(0.0, 3, 3)
    assert _judge([0.01] * 4, noise=silent).p == 0
    # 100 images: at least 0.01 * 0.99 / 100 of variance, t = 0.01 / sqrt(1.157e-4 / 4) = 1.86
    assert _judge([0.01] * 4, noise=silent, images=100).p == pytest.approx(0.56, abs=0.01)
    assert _judge([0.0] * 4, noise=silent).decision == DROPPED


def test_equal_variances_are_pooled_and_their_spread_lessens_the_weight() -> None:
    alike = pooled_noise([(1.0, 7)] * 50)
    assert (alike.variance, alike.pooled, alike.weight) == (1.0, 350, 350)
    apart = pooled_noise([(0.2, 7), (1.8, 7)] * 25)
    # they spread by 0.64; chance alone by 2/7 * 49/50; one standard error is 2/7 * sqrt(2/50)
    own = 0.64 - 2 / 7 * (49 / 50) + 2 / 7 * math.sqrt(2 / 50)
    assert apart.variance == pytest.approx(1.0)
    assert apart.weight == pytest.approx(4 + 2 / own)


def test_one_variance_is_worth_at_most_its_degrees_of_freedom() -> None:
    assert pooled_noise([(0.5, 3)]) == Noise(0.5, 3, 3)


def test_a_single_huge_variance_has_a_bounded_influence() -> None:
    found = pooled_noise([(1.0, 3), (1e6, 3)])
    assert found.variance == pytest.approx((1 + 9) / 2)


def test_a_silent_pool_is_no_noise() -> None:
    assert pooled_noise([(0.0, 3), (0.0, 3)]) == Noise(0.0, 6, 6)


def test_sixty_series_of_proposals_that_do_nothing_keep_next_to_none() -> None:
    random = np.random.default_rng(0)
    done = [one_series(random, SETTINGS[0], 100) for _ in range(60)]
    assert sum(series.kept for series in done) <= 6  # 3 are expected if all were spent
    assert sum(series.naive for series in done) >= 55
    assert sum(series.uncorrected for series in done) > 20
    power = np.mean([list(series.found.values()) for series in done])
    assert power > 0.8
