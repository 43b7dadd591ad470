from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dgsearch.analysis.statistics import (
    best_p_values,
    mean_interval,
    sign_flip_p,
    smallest_sign_flip_p,
)

numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=8)


def test_the_interval_of_hand_made_numbers() -> None:
    # mean 2, deviation 1, t(.975, 2) = 4.302653
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval[:3] == (3, 2.0, 1.0)
    assert interval.low == pytest.approx(2 - 4.302653 / math.sqrt(3), abs=1e-6)
    assert interval.standard_error == pytest.approx(1 / math.sqrt(3))


@given(values=numbers)
def test_the_interval_is_scipys(values: list[float]) -> None:
    interval = mean_interval(values)
    if interval.deviation > 1e-9:
        expected = stats.t.interval(
            0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
        )
        assert (interval.low, interval.high) == pytest.approx(expected)


def test_one_number_has_no_interval_and_none_no_mean() -> None:
    assert mean_interval([0.5])[:2] == (1, 0.5)
    assert math.isnan(mean_interval([0.5]).low)
    assert mean_interval([]).n == 0
    assert math.isnan(mean_interval([math.nan]).mean)


def test_missing_numbers_are_left_out() -> None:
    assert mean_interval([1.0, math.nan, 3.0])[:2] == (2, 2.0)


def test_intervals_cover_the_mean_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        interval = mean_interval(random.normal(3.0, 2.0, 5).tolist())
        covered += interval.low <= 3.0 <= interval.high
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


@given(values=st.lists(st.integers(-10, 10), min_size=1, max_size=7))
def test_the_sign_flip_p_is_that_of_enumeration(values: list[int]) -> None:
    seen = abs(sum(values))
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, values, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(values))
    ]
    expected = sum(total >= seen - 1e-9 for total in sums) / len(sums)
    assert sign_flip_p(values) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("pairs", "p"), [(1, 1.0), (3, 0.25), (4, 0.125), (5, 0.0625), (6, 0.03125)]
)
def test_pairs_that_all_agree_reach_the_smallest_p(pairs: int, p: float) -> None:
    assert sign_flip_p([1.0] * pairs) == p
    assert smallest_sign_flip_p(pairs) == p


def test_no_pairs_prove_nothing() -> None:
    assert sign_flip_p([]) == smallest_sign_flip_p(0) == 1.0


def test_many_pairs_are_sampled_and_agree_with_the_normal_limit() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, 40)
    normal = 2 * stats.norm.sf(abs(values.sum()) / math.sqrt((values**2).sum()))
    assert sign_flip_p(values.tolist()) == pytest.approx(normal, rel=0.15)
    assert sign_flip_p([1.0] * 40) == pytest.approx(1e-5, rel=1e-3)


def test_under_the_null_p_is_uniform_enough() -> None:
    random = np.random.default_rng(2)
    p = [sign_flip_p(random.normal(0, 1, 8).tolist()) for _ in range(1000)]
    assert np.mean(np.array(p) <= 0.05) <= 0.065


def test_infinite_and_huge_differences_count_as_the_largest() -> None:
    assert sign_flip_p([math.inf] * 5) == 2 / 32  # all signs alike, of 32 patterns
    assert sign_flip_p([1e308] * 5) == 2 / 32
    best, other = best_p_values(np.array([[math.inf, 0.0], [1e308, 1.0], [2.0, 1.0]]))
    assert best == 1.0
    assert 0 < other <= 1
