"""Tuning curves: what the best of k trials reaches, with bands that hold for all k at once.

The curve is the median of the best of k trials whose hyperparameters are drawn independently
[Lourie24]. If F is the distribution of a trial's value, it is the value where F is 0.5^(1/k), so
a band around F is a band around the curve; F's lower band gives the upper curve. The band is that
of [Learned-Miller08]: each ordered value has a beta interval, all of one level, which is chosen so
that they hold together with the probability asked for. That probability is computed exactly, by a
recursion over the interval ends (Noé 1972), not by simulation; ties make the band too wide, never
too narrow. Of more than 1,000 values the band is that of Massart's inequality, which is wider.

[Lourie24] is Lourie, Cho, He, Show Your Work with Confidence, NAACL 2024; [Learned-Miller08] is
IEEE Trans. Inf. Theory 54.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

__all__ = ["Trials", "distribution_band", "trials_until", "tuning_curve"]

Numbers = np.ndarray[Any, np.dtype[np.float64]]

_CONFIDENCE = 0.95
_SURE = 1 - 1e-9
_MOST_EXACT = 1000
_MOST_SHOWN = 200  # numbers of trials that a curve is given at


@functools.lru_cache(maxsize=64)
def distribution_band(count: int, confidence: float = _CONFIDENCE) -> tuple[Numbers, Numbers]:
    """Between which shares a continuous distribution lies at its ordered values, all at once.

    Args:
        count: Values that were drawn, n >= 1.
        confidence: Probability that all intervals hold.

    Returns:
        Lower and upper ends, each (n,), rising.
    """
    places = np.arange(1, count + 1)
    if count > _MOST_EXACT:
        half = math.sqrt(math.log(2 / (1 - confidence)) / (2 * count))
        return np.maximum(places / count - half, 0.0), np.minimum((places - 1) / count + half, 1.0)

    def intervals(level: float) -> tuple[Numbers, Numbers]:
        low, high = (1 - level) / 2, (1 + level) / 2
        inverse = scipy.special.betaincinv
        after = count + 1 - places
        return inverse(places, after, low), inverse(places, after, high)

    level = scipy.optimize.brentq(
        lambda level: _held(*intervals(level)) - confidence, confidence - 1e-9, _SURE, xtol=1e-10
    )
    return intervals(level)


def tuning_curve(
    values: Sequence[float],
    *,
    outcomes: Sequence[float] | None = None,
    ends: tuple[float, float] = (-math.inf, math.inf),
    maximise: bool = True,
) -> pd.DataFrame:
    """The best of k trials, for k up to their number (of many, for 200 of them).

    Args:
        values: By which the best is chosen, one a configuration drawn independently; no NaN.
        outcomes: What is reported of each, such as the accuracy on the targets.
        ends: Between which values lie.
        maximise: Whether a higher value is better.

    Returns:
        One row a k: trials (k), median (of the best of k), low, high (95% band for all k at
        once; infinite or at the ends where the trials do not tell), expected (mean of the best
        of k of these trials, drawn without repetition: unbiased), outcome (the same mean of
        the outcomes of what is chosen; NaN without).
    """
    sign = 1.0 if maximise else -1.0
    numbers = sign * np.asarray(values, dtype=np.float64)
    order = np.argsort(numbers, kind="stable")
    ordered, count = numbers[order], len(numbers)
    least, most = sorted((sign * ends[0], sign * ends[1]))
    lower, upper = distribution_band(count)
    trials = np.unique(np.geomspace(1, count, _MOST_SHOWN).round().astype(np.int64))
    trials = np.arange(1, count + 1) if count <= _MOST_SHOWN else trials
    shares = 0.5 ** (1 / trials)
    whole = np.arange(1, count + 1) / count
    # the first ordered value where the distribution is at least the share
    median = ordered[np.searchsorted(whole, shares - 1e-12)]
    low = np.concatenate([[least], ordered])[np.searchsorted(upper, shares)]
    high = np.concatenate([ordered, [most]])[np.searchsorted(lower, shares)]
    weights = _weights(trials, count)
    reported = np.full(count, math.nan) if outcomes is None else np.asarray(outcomes)[order]
    table = {
        "trials": trials,
        "median": sign * median,
        "low": sign * (low if maximise else high),
        "high": sign * (high if maximise else low),
        "expected": sign * (weights @ ordered),
        "outcome": weights @ reported,
    }
    return pd.DataFrame(table)


class Trials(NamedTuple):
    """How many trials it takes.

    Attributes:
        needed: As the trials say; infinite if none of them reaches the level.
        low: At least so many, with 95% probability together with `high`.
        high: At most so many; infinite where the trials do not tell.
    """

    needed: float
    low: float
    high: float


def trials_until(values: Sequence[float], level: float, *, maximise: bool = True) -> Trials:
    """The trials after which the median of the best is at least a level.

    Args:
        values: One a configuration drawn independently; no NaN.
        level: To be reached.
        maximise: Whether a higher value is better; otherwise the best is at most the level.
    """
    sign = 1.0 if maximise else -1.0
    numbers = sign * np.asarray(values, dtype=np.float64)
    below = int((numbers < sign * level).sum())
    lower, upper = distribution_band(len(numbers))
    least = float(lower[below - 1]) if below else 0.0
    most = float(upper[below]) if below < len(numbers) else 1.0
    return Trials(_needed(below / len(numbers)), _needed(least), _needed(most))


def _needed(share: float) -> float:
    """The first k at which as large a share to the power of k is at most a half."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return math.inf
    return float(max(1, math.ceil(math.log(0.5) / math.log(share) - 1e-9)))


def _weights(trials: np.ndarray[Any, np.dtype[np.int64]], count: int) -> Numbers:
    """How probable each ordered trial is as the best of k drawn without repetition, (k, count)."""
    k, place = trials[:, None], np.arange(1, count + 1)[None, :]
    log = scipy.special.gammaln
    with np.errstate(invalid="ignore"):
        chance = (
            log(place) - log(k) - log(np.maximum(place - k, 0) + 1)
            - (log(count + 1) - log(k + 1) - log(count - k + 1))
        )  # fmt: skip
    weights: Numbers = np.where(place >= k, np.exp(chance), 0.0)
    return weights


def _held(low: Numbers, high: Numbers) -> float:
    """How probably all ordered uniform numbers lie in their intervals.

    The count of numbers below t is followed from one interval end to the next as a Poisson
    process of rate n; in the end it is conditioned on having reached n at 1.
    """
    count = len(low)
    times = np.unique(np.concatenate([low, high, [1.0]]))
    fewest = np.searchsorted(high, times, side="right")
    most = np.searchsorted(low, times, side="left")
    fewest[-1] = most[-1] = count
    factorials = scipy.special.gammaln(np.arange(count + 1) + 1)
    mass, first, before = np.ones(1), 0, 0.0
    for time, at_least, at_most in zip(times, fewest, most, strict=True):
        came = np.arange(at_most - first + 1)
        mean = count * (time - before)
        chance = np.exp(came * math.log(mean) - mean - factorials[came])
        mass = np.convolve(mass, chance)[at_least - first : at_most - first + 1]
        first, before = int(at_least), float(time)
    whole = math.exp(count * math.log(count) - count - float(factorials[count]))
    return float(mass[0]) / whole
