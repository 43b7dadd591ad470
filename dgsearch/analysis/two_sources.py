"""Two sources of doubt: other seeds and other test images, and a third: other target domains.

Correctness is a table of seeds by images for each target. Both are drawn from more of their
kind, so the accuracy has a part of the seed, a part of the image and what is left (a model of
crossed random effects). Its variance components are those of the analysis of variance (Searle,
Casella and McCulloch 1992, section 4.3), its degrees of freedom Satterthwaite's; where seeds have
the larger part of the variance, at most those of the seeds, since Satterthwaite's are too many for
a few seeds (with three of large effect the interval held the truth in .92 of 10,000 simulations,
now in .95). The crossed bootstrap (Owen 2007, "The pigeonhole bootstrap") draws seeds and images
again and says the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dgsearch.analysis.permuting import Numbers

__all__ = [
    "Doubt",
    "McNemar",
    "Parts",
    "bootstrap_error",
    "mcnemar",
    "over_domains",
    "seeds_and_images",
]

_LEVEL = 0.95
_DRAWS = 2000


class Parts(NamedTuple):
    """Mean squares of a table of seeds by images, (seeds, images) without repeats."""

    seeds: float
    images: float
    rest: float


class Doubt(NamedTuple):
    """A mean with its doubt from one source or several.

    Attributes:
        mean: Of all numbers; each target counts alike.
        error: Standard error; NaN where the source has one member.
        low: Lower end of the 95% interval.
        high: Upper end.
    """

    mean: float
    error: float
    low: float
    high: float


class McNemar(NamedTuple):
    """Two trials on the same images.

    Attributes:
        first_only: Images that only the first classified correctly.
        second_only: Images that only the second did.
        p: Exact, two-sided.
    """

    first_only: int
    second_only: int
    p: float


def mean_squares(table: Numbers) -> Parts:
    """Of the two-way analysis of variance; NaN for a side of one member.

    Args:
        table: (seeds, images).
    """
    seeds, images = table.shape
    centred = table - table.mean()
    by_seed, by_image = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - by_seed[:, None] - by_image
    return Parts(
        images * _over(by_seed @ by_seed, seeds - 1),
        seeds * _over(by_image @ by_image, images - 1),
        _over(float((rest**2).sum()), (seeds - 1) * (images - 1)),
    )


def seeds_and_images(
    tables: Sequence[Numbers], *, seeds: bool = True, images: bool = True
) -> Doubt:
    """The mean over some targets, with the doubt of other seeds, other images, or both.

    Args:
        tables: (seeds, images) of each target, the same seeds in the same order: correctness as
            0 and 1, or differences of two methods as -1, 0 and 1.
        seeds: Whether seeds are drawn from more of their kind; otherwise they are these.
        images: Whether images are.
    """
    mean = float(np.mean([table.mean() for table in tables]))
    weight = 1 / len(tables) ** 2
    terms: list[tuple[float, float]] = []  # of the variance, each with its degrees of freedom
    count = len(tables[0])
    if seeds:
        own = np.mean([table.mean(axis=1) for table in tables], axis=0)
        terms.append((_over(float(np.var(own)), count - 1), count - 1))
    for table in tables if images else ():
        parts, size = mean_squares(table), table.size
        terms.append((weight * parts.images / size, table.shape[1] - 1))
        if seeds:  # what is left is in the part of the seeds already
            terms.append((-weight * parts.rest / size, (count - 1) * (table.shape[1] - 1)))
    found = _doubt(mean, terms)
    if seeds and images and 2 * terms[0][0] > found.error**2:
        return _doubt(mean, terms, most=count - 1)
    return found


def over_domains(accuracies: Numbers) -> Doubt:
    """The mean over domains like these: targets and seeds are drawn from more of their kind.

    What the images of a target have in common over seeds is part of the target.

    Args:
        accuracies: (seeds, targets).
    """
    parts, size = mean_squares(accuracies), accuracies.size
    seeds, targets = accuracies.shape
    terms = [
        (parts.seeds / size, seeds - 1),
        (parts.images / size, targets - 1),
        (-parts.rest / size, (seeds - 1) * (targets - 1)),
    ]
    return _doubt(float(accuracies.mean()), terms)


def bootstrap_error(tables: Sequence[Numbers], *, seed: int = 0, draws: int = _DRAWS) -> float:
    """Standard error of the mean over targets by the crossed bootstrap.

    One fewer than there are is drawn of the seeds and of the images, so that the variance of few
    seeds is not too small by the factor (n - 1) / n.

    Args:
        tables: (seeds, images) of each target, the same seeds in the same order.
        seed: Of the draws.
        draws: How many.
    """
    random = np.random.default_rng(seed)
    count = len(tables[0])
    if count < 2:
        return math.nan
    chosen = random.multinomial(count - 1, np.full(count, 1 / count), draws) / (count - 1)
    means = np.zeros(draws)
    for table in tables:
        images = table.shape[1]
        drawn = random.poisson(1.0, (draws, images))
        own = (drawn @ table.T) / drawn.sum(axis=1, keepdims=True)  # (draws, seeds)
        means += (own * chosen).sum(axis=1) / len(tables)
    return float(means.std(ddof=1))


def mcnemar(first: Sequence[bool] | Numbers, second: Sequence[bool] | Numbers) -> McNemar:
    """Do two trials classify the same images differently well?

    Args:
        first: Which images the first trial classified correctly.
        second: The second, in the same order.
    """
    from scipy.stats import binomtest

    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    better, worse = int((one & ~other).sum()), int((other & ~one).sum())
    total = better + worse
    return McNemar(better, worse, float(binomtest(better, total).pvalue) if total else 1.0)


def _over(total: float, freedom: int) -> float:
    return float(total) / freedom if freedom > 0 else math.nan


def _doubt(mean: float, terms: Sequence[tuple[float, float]], *, most: float = math.inf) -> Doubt:
    """From the terms of the variance; at least the largest single one, should the sum be less."""
    from scipy.special import stdtrit

    sizes = [size for size, _ in terms]
    if any(math.isnan(size) for size in sizes):
        return Doubt(mean, math.nan, math.nan, math.nan)
    variance = max(sum(sizes), *sizes, 0.0)
    if variance == 0:
        return Doubt(mean, 0.0, mean, mean)
    freedom = variance**2 / sum(size**2 / own for size, own in terms)
    error = math.sqrt(variance)
    reach = float(stdtrit(min(freedom, most), (1 + _LEVEL) / 2)) * error
    return Doubt(mean, error, mean - reach, mean + reach)
