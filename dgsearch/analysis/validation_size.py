"""How many labelled validation images does a choice need? Regret by their number.

Where it is stored which validation images each trial classified correctly, fewer images are had
by drawing among them. At each seed all trials see the same images. Of n images drawn without
replacement the configuration of the highest accuracy is chosen, of several the mean counts;
regret is how much less than the best of them it has on the test images.

Shapes: C configurations, N images.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.statistics import mean_interval

__all__ = ["SIZES", "regret_by_images", "sizes_up_to"]

SIZES = (5, 10, 20, 50, 100, 200, 500, 1000)
_EXACT = 2000  # sets of images up to which all of them are taken
_DRAWS = 500  # else so many are drawn
_ROUNDING = 1e-9

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def sizes_up_to(images: int) -> list[int]:
    """Numbers of images to look at: those of `SIZES` that are fewer, then all."""
    return [*(size for size in SIZES if size < images), images]


def regret_by_images(
    seeds: Mapping[int, tuple[np.ndarray[Any, np.dtype[np.bool_]], Sequence[float]]],
    sizes: Sequence[int],
) -> pd.DataFrame:
    """What choosing by so many validation images costs, with its doubt.

    Args:
        seeds: By seed which validation images each configuration got right, bool (C, N), and its
            accuracy on the test images, (C,).
        sizes: Numbers of images, each from 1 to the smallest N.

    Returns:
        One row a number: images, seeds, regret (0..1, mean over seeds of the mean over draws),
        low, high (95% t interval over seeds), draws (standard deviation of the regret over the
        draws of one seed, root mean square over seeds), binomial (standard error of an accuracy
        measured on so many images, at the mean accuracy of the configurations).

    Raises:
        ValueError: If a number is not among the images of every seed.
    """
    fewest = min((right.shape[1] for right, _ in seeds.values()), default=0)
    rows = []
    for size in sizes:
        if not 1 <= size <= fewest:
            raise ValueError(f"sizes holds {size}, which must lie in 1..{fewest}")
        found = [
            _regrets(right, np.asarray(tested, dtype=np.float64), size)
            for right, tested in seeds.values()
        ]
        interval = mean_interval([float(regrets.mean()) for regrets in found])
        share = float(np.mean([right.mean() for right, _ in seeds.values()]))
        rows.append(
            {
                "images": size,
                "seeds": len(found),
                "regret": interval.mean,
                "low": interval.low,
                "high": interval.high,
                "draws": math.sqrt(float(np.mean([regrets.var() for regrets in found]))),
                "binomial": math.sqrt(share * (1 - share) / size),
            }
        )
    return pd.DataFrame(rows)


def _regrets(right: np.ndarray[Any, np.dtype[np.bool_]], tested: Numbers, size: int) -> Numbers:
    """Regret of the choice by each set of images, (sets,)."""
    regrets = []
    for images in _sets(right.shape[1], size):
        scores = right[:, images].mean(axis=1)
        regrets.append(tested.max() - tested[scores >= scores.max() - _ROUNDING].mean())
    return np.array(regrets)


def _sets(images: int, size: int) -> Iterator[list[int]]:
    """Every set of so many images, or some of them by draws that are the same each time."""
    if math.comb(images, size) <= _EXACT:
        yield from (list(chosen) for chosen in itertools.combinations(range(images), size))
        return
    random = np.random.default_rng(0)
    for _ in range(_DRAWS):
        yield random.permutation(images)[:size].tolist()
