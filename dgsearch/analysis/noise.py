"""How far apart does training alone bring two trials of one configuration? From A/A pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["NoiseFloor", "noise_floor"]


class NoiseFloor(NamedTuple):
    """The standard deviation of the difference of two trials of one configuration.

    Attributes:
        n: Trials behind it.
        deviation: Of one difference; NaN for fewer than two trials.
        low: Lower end of its 95% interval, by the chi-square distribution.
        high: Upper end.
    """

    n: int
    deviation: float
    low: float
    high: float


def noise_floor(outcomes: Sequence[float], *, level: float = 0.95) -> NoiseFloor:
    """The noise of a difference, from all trials of A and A'.

    Their seeds have nothing in common, so that which is paired with which is arbitrary: the
    variance of a difference is twice that of a trial, and all trials tell of it.

    Args:
        outcomes: Of trials of one configuration at different seeds; NaN is left out. They count
            as independent and roughly normal.
        level: Probability with which such intervals cover the true deviation.
    """
    from scipy import special  # takes a while to import

    numbers = np.asarray(outcomes, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    n = len(numbers)
    if n < 2:
        return NoiseFloor(n, math.nan, math.nan, math.nan)
    deviation = math.sqrt(2) * float(numbers.std(ddof=1))
    ends = [float(special.chdtri(n - 1, tail)) for tail in ((1 - level) / 2, (1 + level) / 2)]
    low, high = (deviation * math.sqrt((n - 1) / end) for end in ends)
    return NoiseFloor(n, deviation, low, high)
