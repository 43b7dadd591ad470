"""Intervals and tests for few paired numbers, each stated with its doubt.

Plain numbers in, plain numbers out; the frames around them are in the other modules.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

__all__ = ["Interval", "mean_interval", "sign_flip_p", "smallest_sign_flip_p"]

_EXACT_PAIRS = 16  # up to 2^16 sign patterns are enumerated
_SAMPLES = 100_000


class Interval(NamedTuple):
    """A mean with its doubt.

    Attributes:
        n: How many numbers.
        mean: Their mean; NaN if there are none.
        deviation: Their sample deviation (n - 1); NaN for fewer than two.
        low: Lower end of the interval; NaN for fewer than two.
        high: Upper end.
    """

    n: int
    mean: float
    deviation: float
    low: float
    high: float

    @property
    def standard_error(self) -> float:
        """Of the mean; NaN for fewer than two numbers."""
        return self.deviation / math.sqrt(self.n) if self.n else math.nan


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Mean and Student's t interval, for numbers that are independent and roughly normal.

    Args:
        values: Numbers; NaN is left out.
        level: Probability with which such intervals cover the true mean.
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    n = len(numbers)
    if n == 0:
        return Interval(0, math.nan, math.nan, math.nan, math.nan)
    mean = float(numbers.mean())
    if n == 1:
        return Interval(1, mean, math.nan, math.nan, math.nan)
    deviation = float(numbers.std(ddof=1))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * deviation / math.sqrt(n)
    return Interval(n, mean, deviation, mean - half, mean + half)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of the sign-flip test that paired differences are centred at 0.

    Under the null each difference is as likely to have the other sign; p is the share of sign
    patterns whose mean is at least as far from 0 as the mean seen. Exact up to 16 pairs;
    beyond, 100,000 random patterns from a fixed seed, with the observed one counted.

    Args:
        differences: One number a pair; NaN is left out.

    Returns:
        p in (0, 1]; 1 without any pair.
    """
    numbers = np.asarray(differences, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    n = len(numbers)
    if n == 0:
        return 1.0
    seen = abs(numbers.sum()) * (1 - 1e-12)
    if n <= _EXACT_PAIRS:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n - 1)))
        sums = numbers[0] + signs @ numbers[1:]
        return float((np.abs(sums) >= seen).mean())
    random = np.random.default_rng(0)
    sums = random.choice((1.0, -1.0), size=(_SAMPLES, n)) @ numbers
    return float((1 + (np.abs(sums) >= seen).sum()) / (1 + _SAMPLES))


def smallest_sign_flip_p(pairs: int) -> float:
    """The smallest two-sided p that so many pairs can reach: 2 / 2^n, at most 1."""
    return min(1.0, 2.0 / 2.0**pairs) if pairs > 0 else 1.0
