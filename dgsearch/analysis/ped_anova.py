"""PED-ANOVA: what tells the better trials from all, one hyperparameter at a time?

Watanabe et al. 2023 (arXiv:2304.10255), with the regimes of conditional spaces of
arXiv:2601.20800: a hyperparameter counts where it is active. Equal to Optuna's evaluator; all
that does not depend on the values is done once, so that permuted values cost little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dgsearch.analysis.permuting import Numbers

Booleans = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["QUANTILES", "Axis", "ped_anova", "range_axis"]

QUANTILES = (0.2, 0.4, 0.6, 0.8)  # at a single one an R² of 0.3 is seen less often

_STEPS = 50  # of the grid of a range
_LEAST = 2  # trials that a regime must have
_NARROWEST = 0.5 / 1.64  # deviation of a kernel, in steps
_TINY = 1e-12


class Axis(NamedTuple):
    """A hyperparameter on its grid.

    Attributes:
        places: (trials,) Step of the grid or place among the names; -1 where it is not active.
        size: How many steps or names there are.
        ordered: Whether neighbours are alike: a number, not a name.
    """

    places: np.ndarray[Any, np.dtype[np.intp]]
    size: int
    ordered: bool


def range_axis(values: Numbers, low: float, high: float) -> Axis:
    """A number of a range, already a logarithm where its scale is one; NaN is not active.

    Args:
        values: (trials,).
        low: End of the range.
        high: The other end, above it.
    """
    width = (high - low) / (_STEPS - 1)
    steps = np.ceil((np.nan_to_num(values, nan=low) - low) / width - 0.5)
    places = np.clip(steps, 0, _STEPS - 1).astype(np.intp)
    return Axis(np.where(np.isnan(values), -1, places), _STEPS, ordered=True)


def ped_anova(
    axes: Sequence[Axis], *, maximise: bool, quantiles: Sequence[float] = QUANTILES
) -> Callable[[Numbers], Numbers]:
    """The importances of hyperparameters as a function of the trials' values.

    Args:
        axes: Of each hyperparameter, over the same trials.
        maximise: Whether a higher value is better.
        quantiles: Shares of the trials that are the better ones; more where values tie. The
            importances are means over them.

    Returns:
        From values (trials,) to Pearson divergences (axes,), not normalised.
    """
    everywhere = [_density(axis, axis.places >= 0) for axis in axes]

    def found(values: Numbers) -> Numbers:
        losses = -values if maximise else values
        importances: Numbers = np.mean([_at(losses, quantile) for quantile in quantiles], axis=0)
        return importances

    def _at(losses: Numbers, quantile: float) -> Numbers:
        cut = np.partition(losses, at := math.ceil(quantile * len(losses)) - 1)[at]
        better = losses <= cut
        parts = [
            _divergence(axis, better, density)
            for axis, density in zip(axes, everywhere, strict=True)
        ]
        divergences: Numbers = np.array(parts) * better.mean() ** 2
        return divergences

    return found


def _divergence(
    axis: Axis, better: np.ndarray[Any, np.dtype[np.bool_]], density: Numbers
) -> float:
    """Pearson divergence of the better trials from all, where the axis is active."""
    active = axis.places >= 0
    chosen = active & better
    if active.sum() < _LEAST or not chosen.any():
        return 0.0
    weight = (chosen.sum() / better.sum()) ** 2 / active.mean()
    top = _density(axis, chosen)
    return float(weight * (density @ (top / density - 1) ** 2))


def _density(axis: Axis, chosen: Booleans) -> Numbers:
    """(size,) Parzen estimate of the chosen trials, with one trial's weight of prior."""
    counts = np.bincount(axis.places[chosen], minlength=axis.size)
    seen = np.flatnonzero(counts)
    weights = np.append(counts[seen], 1.0) / (counts.sum() + 1.0)
    kernels = _ordered(axis.size, seen, counts[seen]) if axis.ordered else _names(axis.size, seen)
    mixed: Numbers = kernels @ weights + _TINY
    return mixed


def _ordered(size: int, seen: Any, counts: Any) -> Numbers:
    """(size, kernels) Normal kernels cut at the ends, of Scott's width; last, the prior."""
    from scipy.special import ndtr

    total = counts.sum()
    below = counts.cumsum()
    mean = seen @ counts / total
    deviation = math.sqrt((seen - mean) ** 2 @ counts / max(1, total - 1))
    first = np.searchsorted(below, total // 4, side="left")
    third = min(len(seen) - 1, np.searchsorted(below, total * 3 // 4, side="right"))
    spread = min((seen[third] - seen[first]) / 1.34, deviation)
    width = max(1.059 * spread * total**-0.2, _NARROWEST)
    middles = np.append(seen, (size - 1) / 2)
    widths = np.append(np.full(len(seen), width), float(size))
    edges = np.arange(size + 1)[:, None] - 0.5
    below_edges = ndtr((edges - middles) / widths)
    kernels: Numbers = np.diff(below_edges, axis=0) / (below_edges[-1] - below_edges[0])
    return kernels


def _names(size: int, seen: Any) -> Numbers:
    """(size, kernels) Each seen name with a share for all; last, the prior: all alike."""
    kernels = np.full((size, len(seen) + 1), 1.0 / (len(seen) + 1))
    kernels[seen, np.arange(len(seen))] += 1.0
    shares: Numbers = kernels / kernels.sum(axis=0)
    return shares
