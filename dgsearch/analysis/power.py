"""How many seeds does a difference need? From the deviation of paired differences over seeds."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd
import scipy

from dgsearch.analysis.statistics import detectable_difference, fewest_pairs

__all__ = ["Deviation", "pairs_needed", "pooled_deviation"]


class Deviation(NamedTuple):
    """How much paired differences deviate from seed to seed.

    Attributes:
        comparisons: How many there were.
        pairs: Seeds of the comparison that had most.
        pooled: Root of the mean variance, weighted by degrees of freedom; NaN without any.
        low: The smallest deviation of one comparison.
        high: The largest.
    """

    comparisons: int
    pairs: int
    pooled: float
    low: float
    high: float


def pooled_deviation(compared: pd.DataFrame) -> Deviation:
    """The deviation that a study's comparisons have together.

    Comparisons with one reference share its trials, so the pooled number is less certain than
    their count suggests; low and high show how much it depends on what is compared.

    Args:
        compared: `compare_columns` or `compare_to_reference`; rows whose p is missing (the
            reference itself) and rows of fewer than two pairs are left out.
    """
    used = compared[compared["p"].notna() & (compared["pairs"] >= 2)]
    if used.empty:
        return Deviation(0, 0, math.nan, math.nan, math.nan)
    deviations, freedom = used["difference_deviation"], used["pairs"] - 1
    pooled = math.sqrt(float((freedom * deviations**2).sum() / freedom.sum()))
    most = int(used["pairs"].max())
    return Deviation(len(used), most, pooled, float(deviations.min()), float(deviations.max()))


def pairs_needed(
    deviation: float, difference: float, *, power: float = 0.8, comparisons: int = 1
) -> int:
    """The smallest number of pairs that finds a true difference in `power` of all studies.

    By the two-sided paired t test at 5%, and never fewer than six: below that no sign-flip
    test reaches p < 0.05, however large the difference. Of several comparisons at the level
    of Holm's first step, 5% by their number, which is enough whatever the others show.

    Args:
        deviation: Of the paired differences, >= 0.
        difference: To be found, in the same unit; its sign does not matter.
        power: Share of studies that shall find it.
        comparisons: That are corrected together.

    Raises:
        ValueError: If the difference is 0 or one of the numbers is none.
    """
    if not difference or not math.isfinite(difference) or not math.isfinite(deviation):
        raise ValueError(f"difference = {difference}, deviation = {deviation}: must be > 0")
    wanted = abs(difference)
    level = 0.05 / comparisons
    normal = float(
        scipy.stats.norm.isf(level / 2) + scipy.stats.norm.ppf(power)
    )  # needs less than t does
    pairs = max(fewest_pairs(level), math.floor((normal * deviation / wanted) ** 2))
    enough = wanted * (1 + 1e-12)
    while detectable_difference(deviation, pairs, power=power, level=level) > enough:
        pairs += 1
    return pairs
