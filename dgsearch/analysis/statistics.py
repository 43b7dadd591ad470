"""Intervals and tests for few paired numbers, each stated with its doubt.

Plain numbers in, plain numbers out; the frames around them are in the other modules.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy  # its parts are imported when they are first used; scipy.stats takes half a second

__all__ = [
    "HUGE",
    "PAIRS_FOR_FIVE_PERCENT",
    "TIED",
    "Correlation",
    "Interval",
    "best_p_values",
    "detectable_difference",
    "effect_p",
    "fewest_pairs",
    "holm",
    "intervals_by",
    "mean_interval",
    "rank_correlation",
    "sign_flip_p",
    "smallest_sign_flip_p",
]

Numbers = np.ndarray[Any, np.dtype[np.float64]]

PAIRS_FOR_FIVE_PERCENT = 6  # 2/2^6 = 0.031 is the first sign-flip p below 0.05

TIED = 1e-14  # a deviation up to this is that of equal numbers, written as floats
HUGE = 1e150  # what is larger counts as this, so that no square and no sum overflows
_EXACT_PAIRS = 16  # up to 2^16 sign patterns are enumerated
_SAMPLES = 100_000
_ROUNDING = 1e-12  # of the sum of sizes: sums of decimal fractions that are equal on paper
_BEST_PAIRS = 12  # up to 2^12 sign patterns are enumerated where many groups are compared
_BEST_SAMPLES = 10_000
_PERMUTATIONS = 5_000
_PATTERNS_LIKE_T = 25
_POWER_WORK = 2**23  # patterns times studies that are simulated
_POWER_BLOCK = 64  # studies at a time
_MOST_SHIFT = 12.0  # six pairs need 3.5 for 80% and 5.5 for 99% power, at 5%


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
    with np.errstate(invalid="ignore", over="ignore"):  # of infinite and huge ones: inf or NaN
        mean = float(numbers.mean())
        deviation = float(numbers.std(ddof=1)) if n > 1 else math.nan
    if n == 1:
        return Interval(1, mean, math.nan, math.nan, math.nan)
    half = float(scipy.special.stdtrit(n - 1, (1 + level) / 2)) * deviation / math.sqrt(n)
    return Interval(n, mean, deviation, mean - half, mean + half)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of the sign-flip test that paired differences are centred at 0.

    Under the null each difference is as likely to have the other sign; p is the share of sign
    patterns whose mean is at least as far from 0 as the mean seen. Exact up to 16 pairs;
    beyond, 100,000 random patterns from a fixed seed, with the observed one counted.

    Args:
        differences: One number a pair; NaN is left out, an infinite one counts as huge.

    Returns:
        p in (0, 1]; 1 without any pair.
    """
    numbers = np.asarray(differences, dtype=np.float64)
    numbers = np.clip(numbers[~np.isnan(numbers)], -HUGE, HUGE)
    n = len(numbers)
    if n == 0:
        return 1.0
    seen = abs(numbers.sum()) - _ROUNDING * np.abs(numbers).sum()
    if n <= _EXACT_PAIRS:
        sums = numbers[0] + _sign_patterns(n - 1) @ numbers[1:]
        return float((np.abs(sums) >= seen).mean())
    random = np.random.default_rng(0)
    sums = random.choice((1.0, -1.0), size=(_SAMPLES, n)) @ numbers
    return float((1 + (np.abs(sums) >= seen).sum()) / (1 + _SAMPLES))


def best_p_values(numbers: Numbers) -> list[float]:
    """For each group a p against "no other group is truly better".

    Multiple comparisons with the best (Hsu 1984), by signs instead of normal quantiles. With
    the group as control, the largest standardised mean difference of any other group to it is
    compared with the same number under joint sign flips of each seed's differences. A group that
    is truly the best (or tied) has p <= 0.05 in at most 5% of studies, whichever lies
    highest by chance. All 2^n patterns up to 12 seeds, beyond that 10,000 from a fixed seed.

    Args:
        numbers: (seeds, groups), none missing; higher is better.

    Returns:
        One p a group, in (0, 1]; 1 for the group of the highest mean.
    """
    seeds, groups = numbers.shape
    if seeds == 0:
        return [1.0] * groups
    numbers = np.clip(numbers, -HUGE, HUGE)
    flips = _flips(seeds)
    found = []
    for group in range(groups):
        differences = np.delete(numbers, group, axis=1) - numbers[:, [group]]  # (n, groups - 1)
        sizes = np.sqrt((differences**2).sum(axis=0))
        differences = differences[:, sizes > 0] / sizes[sizes > 0]
        if not differences.shape[1] or (seen := float(differences.sum(axis=0).max())) <= 0:
            found.append(1.0)
            continue
        largest = (flips @ differences).max(axis=1)
        found.append(float((largest >= seen - _ROUNDING * seeds).mean()))
    return found


def effect_p(numbers: Numbers) -> float:
    """P value against "the groups do not differ at all", paired over seeds.

    Each seed's numbers are permuted among the groups; the statistic is the variance of the
    groups' means. 5,000 random permutations from a fixed seed, the observed order counted.

    Args:
        numbers: (seeds, groups), none missing.

    Returns:
        p in (0, 1]; 1 for fewer than two groups or seeds.
    """
    seeds, groups = numbers.shape
    if seeds < 2 or groups < 2:
        return 1.0
    centred = numbers - numbers.mean(axis=1, keepdims=True)
    seen = float(centred.sum(axis=0).var())
    random = np.random.default_rng(0)
    shuffled = random.permuted(np.tile(centred, (_PERMUTATIONS, 1, 1)), axis=2)
    spread = shuffled.sum(axis=1).var(axis=1)
    beyond = (spread >= seen * (1 - 1e-9) - 1e-18).sum()
    return float((1 + beyond) / (1 + _PERMUTATIONS))


def smallest_sign_flip_p(pairs: int) -> float:
    """The smallest two-sided p that so many pairs can reach: 2 / 2^n, at most 1."""
    return min(1.0, 2.0 / 2.0**pairs) if pairs > 0 else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number, so that rejecting those <= 0.05 errs in 5% of studies.

    Holm's step-down procedure (1979): valid whatever the dependence between the tests.

    Args:
        p_values: In any order; NaN stays NaN and is not counted.

    Returns:
        Adjusted values in the same order, each >= the one given and <= 1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(given), np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return [float(value) for value in adjusted]


def fewest_pairs(level: float) -> int:
    """The smallest number of pairs at which a sign-flip test can reach p <= level."""
    return next(n for n in itertools.count(1) if smallest_sign_flip_p(n) <= level)


def detectable_difference(
    deviation: float, pairs: int, *, power: float = 0.8, level: float = 0.05
) -> float:
    """The smallest true difference that so many pairs would find, in `power` of all studies.

    Of the two-sided sign-flip test, for differences that are normal. Where few sign patterns
    may reach beyond the one seen, the test has much less power than the t test (six pairs at 5%
    need 1.79 standard deviations, not 1.44), and its power is found by simulation from a fixed
    seed; where 25 or more may, the two agree and the t test's power is taken.

    Args:
        deviation: Of the paired differences.
        pairs: Their number.
        power: Share of studies that would find it.
        level: Of the test.

    Returns:
        In the unit of the deviation; infinite for too few pairs, NaN without a deviation, and
        where all differences are equal: such ties are of discrete numbers, and no sign that
        nothing can be missed.
    """
    if not deviation > TIED:
        return math.nan
    if pairs < fewest_pairs(level):
        return math.inf
    beyond = _patterns_allowed(min(pairs, _EXACT_PAIRS), level)
    if beyond < _PATTERNS_LIKE_T and pairs <= _EXACT_PAIRS:
        return deviation * _sign_flip_shift(pairs, power, beyond)
    return deviation / math.sqrt(pairs) * _noncentrality(pairs, power, level)


class Correlation(NamedTuple):
    """Spearman's rank correlation with its doubt.

    Attributes:
        n: Pairs.
        rho: In -1..1; NaN for fewer than three pairs or where one side does not vary.
        low: Lower end of the 95% interval; NaN for fewer than five pairs.
        high: Upper end.
    """

    n: int
    rho: float
    low: float
    high: float


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> Correlation:
    """Spearman's correlation with the 95% interval of Bonett and Wright (2000, Eq. 4).

    Args:
        first: Numbers; a pair with a NaN is left out.
        second: As many.
    """
    pairs = np.array([first, second], dtype=np.float64)
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    n = pairs.shape[1]
    if n < 3 or (pairs.min(axis=1) == pairs.max(axis=1)).any():
        return Correlation(n, math.nan, math.nan, math.nan)
    ranks = pd.DataFrame(pairs).rank(axis=1).to_numpy()
    rho = float(np.corrcoef(ranks)[0, 1])
    if n < 5:
        return Correlation(n, rho, math.nan, math.nan)
    inside = min(max(rho, -1 + 1e-9), 1 - 1e-9)
    half = float(scipy.special.ndtri(0.975)) * math.sqrt((1 + inside**2 / 2) / (n - 3))
    centre = math.atanh(inside)
    return Correlation(n, rho, math.tanh(centre - half), math.tanh(centre + half))


def intervals_by(frame: pd.DataFrame, by: Sequence[str], column: str) -> pd.DataFrame:
    """`mean_interval` of a column in each group, for many groups at once.

    Args:
        frame: Any.
        by: Columns that make the groups.
        column: Numbers.

    Returns:
        One row a group in order of appearance: the columns of `by`, n, mean, deviation, low,
        high. Groups without a number are left out.
    """
    grouped = frame.dropna(subset=[column]).groupby([*by], sort=False, observed=True)[column]
    table = grouped.agg(n="count", mean="mean", deviation="std").reset_index()
    n = table["n"].to_numpy()
    quantiles = scipy.special.stdtrit(np.maximum(n - 1, 1), 0.975)
    half = quantiles * table["deviation"] / np.sqrt(n)
    return table.assign(low=table["mean"] - half, high=table["mean"] + half)


@functools.cache
def _flips(seeds: int) -> Numbers:
    """Patterns of signs, (patterns, seeds); the first leaves all signs as they are."""
    if seeds <= _BEST_PAIRS:
        return _sign_patterns(seeds)
    random = np.random.default_rng(0)
    patterns = random.choice((1.0, -1.0), size=(_BEST_SAMPLES, seeds))
    patterns[0] = 1.0
    return patterns


@functools.cache
def _sign_patterns(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Every pattern of signs, (2^count, count)."""
    patterns = list(itertools.product((1.0, -1.0), repeat=count))
    return np.array(patterns, dtype=np.float64).reshape(2**count, count)


def _patterns_allowed(pairs: int, level: float) -> int:
    """How many sign patterns may lie as far on one side as the signs seen, themselves counted."""
    return math.floor(level * 2.0**pairs / 2 + _ROUNDING)


@functools.cache
def _sign_flip_shift(pairs: int, power: float, allowed: int) -> float:
    """The shift of standard normal differences at which the sign-flip test has that power.

    Flipping some signs leaves a sum at least as large as the one seen if and only if the shift
    lies below a bound of that pattern; the test rejects beyond the largest bounds but
    `allowed - 1`. The shift asked for is a quantile of that over simulated studies.

    Args:
        pairs: At most 16.
        power: Share of studies.
        allowed: As `_patterns_allowed` gives it, at least 1.
    """
    patterns = _sign_patterns(pairs)[1:]  # (2^n - 1, n), without the one that flips nothing
    flipped = pairs - patterns.sum(axis=1)  # twice the number of signs flipped
    random = np.random.default_rng(0)
    needed: list[float] = []
    for _ in range(max(1, _POWER_WORK // (len(patterns) * _POWER_BLOCK))):
        noise = random.standard_normal((_POWER_BLOCK, pairs))
        bounds = (noise @ (patterns - 1.0).T) / flipped  # (studies, patterns)
        place = bounds.shape[1] - allowed
        needed += np.partition(bounds, place, axis=1)[:, place].tolist()
    return float(np.quantile(needed, power))


@functools.cache
def _noncentrality(pairs: int, power: float, level: float) -> float:
    """The noncentrality at which the two-sided t test has the power asked for."""
    freedom = pairs - 1
    critical = float(scipy.special.stdtrit(freedom, 1 - level / 2))

    def missing(shift: float) -> float:
        beyond = float(scipy.stats.nct.sf(critical, freedom, shift))
        other_side = float(scipy.stats.nct.cdf(-critical, freedom, shift))
        # scipy has no number for the other side where it is too small to count
        return beyond + (0.0 if math.isnan(other_side) else other_side) - power

    return float(scipy.optimize.brentq(missing, 0.0, _MOST_SHIFT))
