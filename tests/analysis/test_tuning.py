"""Tuning curves: by hand, against numbers of opda 0.8, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dgsearch.analysis.tuning import Trials, distribution_band, trials_until, tuning_curve


def test_the_band_of_one_and_two_values_by_hand() -> None:
    """One value: 2.5% and 97.5%. Of two the smallest lies below t with 1 - (1 - t)^2."""
    low, high = distribution_band(1)
    assert (low.item(), high.item()) == pytest.approx((0.025, 0.975))
    low, high = distribution_band(2)
    assert low[0] == pytest.approx(1 - high[1])  # the two ends mirror each other
    # the chance that both lie inside: the square less what either interval leaves out
    (a, b), (c, d) = low, high  # a <= smallest <= c, b <= largest <= d
    inside = (d - a) ** 2 - max(0.0, d - c) ** 2 - max(0.0, b - a) ** 2
    assert inside == pytest.approx(0.95, abs=1e-6)


@pytest.mark.parametrize("count", [3, 12, 40])
def test_the_band_holds_as_often_as_it_says(count: int) -> None:
    low, high = distribution_band(count)
    drawn = np.sort(np.random.default_rng(count).random((40_000, count)), axis=1)
    held = ((drawn >= low) & (drawn <= high)).all(axis=1).mean()
    assert held == pytest.approx(0.95, abs=0.004)  # four standard errors


def test_the_band_is_that_of_opda() -> None:
    """`EmpiricalDistribution.confidence_bands(..., method="ld_equal_tailed")`, which simulates."""
    low, high = distribution_band(5)
    simulated = [0.0012244, 0.02535096, 0.088822, 0.19504455, 0.36071639]  # seed 0, 100,000 draws
    assert low == pytest.approx(simulated, abs=0.0005)
    assert high == pytest.approx(1 - low[::-1], abs=1e-9)


def test_large_studies_have_a_wider_band_at_once() -> None:
    low, high = distribution_band(1001)
    half = math.sqrt(math.log(40) / 2002)
    assert low[500] == pytest.approx(501 / 1001 - half)
    assert high[0] == pytest.approx(half)
    curve = tuning_curve(np.random.default_rng(0).random(5000).tolist())
    assert len(curve) <= 200
    assert curve["trials"].iloc[-1] == 5000


def test_a_curve_by_hand() -> None:
    """Medians: of one the 2nd of four, of two the value where F reaches .707, the 3rd, then 4th.

    Expected best of two of 1, 2, 3, 4: pairs whose largest is 2, 3, 4: one, two, three of six.
    """
    curve = tuning_curve([3.0, 1.0, 4.0, 2.0], outcomes=[0.3, 0.1, 0.0, 0.2])
    assert curve["trials"].tolist() == [1, 2, 3, 4]
    assert curve["median"].tolist() == [2, 3, 4, 4]
    assert curve["expected"].tolist() == pytest.approx([2.5, (2 + 6 + 12) / 6, 3.75, 4])
    assert curve["outcome"].iloc[1] == pytest.approx((0.2 + 2 * 0.3 + 0) / 6)
    assert curve["high"].iloc[-1] == math.inf
    assert (curve["low"] <= curve["median"]).all()
    assert tuning_curve([1.0, 2.0], ends=(0.0, 9.0))["high"].iloc[-1] == 9


def test_lower_is_better_mirrors_it() -> None:
    values = [3.0, 1.0, 4.0, 2.5]
    up = tuning_curve(values, ends=(0.0, 9.0))
    down = tuning_curve([-value for value in values], ends=(-9.0, 0.0), maximise=False)
    assert down["median"].tolist() == (-up["median"]).tolist()
    assert down["low"].tolist() == (-up["high"]).tolist()
    assert down["expected"].tolist() == pytest.approx((-up["expected"]).tolist())


def test_the_band_holds_the_true_curve_at_every_k_at_once() -> None:
    """Of uniform values the median best of k is 0.5^(1/k)."""
    random = np.random.default_rng(0)
    truth = 0.5 ** (1 / np.arange(1, 16))
    held = []
    for _ in range(800):
        curve = tuning_curve(random.random(15).tolist(), ends=(0.0, 1.0))
        held.append(((curve["low"] <= truth) & (truth <= curve["high"])).all())
    assert np.mean(held) >= 0.93  # 95% less three standard errors


def test_trials_until_a_level_by_hand() -> None:
    """Half of the trials lie below 3: one trial is enough for the median. Three quarters: 3."""
    values = [1.0, 2.0, 3.0, 4.0]
    assert trials_until(values, 3.0).needed == 1
    assert trials_until(values, 4.0).needed == 3  # .75^2 = .5625, .75^3 = .42
    assert trials_until(values, 0.5) == Trials(1, 1, trials_until(values, 0.5).high)
    beyond = trials_until(values, 5.0)
    assert beyond.needed == beyond.high == math.inf
    assert 1 <= beyond.low < 10
    assert trials_until([-value for value in values], -3.0, maximise=False).needed == 1
