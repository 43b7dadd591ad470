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

from dgsearch.analysis.permuting import Numbers, Places

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
        From values (outcomes, trials) to Pearson divergences (outcomes, axes), not normalised.
    """
    everywhere = [_densities(axis, (axis.places >= 0)[None])[0] for axis in axes]

    def found(values: Numbers) -> Numbers:
        losses = -values if maximise else values
        parts = [_at(losses, quantile) for quantile in quantiles]
        importances: Numbers = np.mean(parts, axis=0)
        return importances

    def _at(losses: Numbers, quantile: float) -> Numbers:
        place = math.ceil(quantile * losses.shape[-1]) - 1
        cut = np.partition(losses, place, axis=-1)[..., place, None]
        better = losses <= cut
        parts = [
            _divergences(axis, better, density)
            for axis, density in zip(axes, everywhere, strict=True)
        ]
        divergences: Numbers = np.stack(parts, axis=-1) * better.mean(axis=-1)[:, None] ** 2
        return divergences

    return found


def _divergences(axis: Axis, better: Booleans, density: Numbers) -> Numbers:
    """(outcomes,) Pearson divergence of the better trials from all, where the axis is active."""
    active = axis.places >= 0
    chosen = active & better
    count = chosen.sum(axis=1)
    if active.sum() < _LEAST:
        return np.zeros(len(better))
    weights = (count / better.sum(axis=1)) ** 2 / active.mean()
    tops = _densities(axis, chosen)
    found: Numbers = np.where(count > 0, weights * ((tops / density - 1) ** 2 @ density), 0.0)
    return found


def _densities(axis: Axis, chosen: Booleans) -> Numbers:
    """(outcomes, size) Parzen estimates of the chosen trials, with one trial's weight of prior.

    Args:
        axis: Of the hyperparameter.
        chosen: (outcomes, trials).
    """
    outcomes, trials = np.nonzero(chosen)
    cells = outcomes * axis.size + axis.places[trials]
    counts = np.bincount(cells, minlength=len(chosen) * axis.size).reshape(-1, axis.size)
    found: Numbers = (_ordered if axis.ordered else _names)(counts) + _TINY
    return found


def _ordered(counts: Places) -> Numbers:
    """Normal kernels cut at the ends, of Scott's width, and the prior: (outcomes, size)."""
    from scipy.special import ndtr

    size = counts.shape[1]
    apart = np.arange(-size, size) + 0.5  # of an edge of a step from the middle of one
    below = ndtr(apart / _widths(counts)[:, None])  # (outcomes, 2 size)
    inside = below[:, size:][:, ::-1] - below[:, :size][:, ::-1]  # the ends, of each middle
    steps = np.lib.stride_tricks.sliding_window_view(np.diff(below), size, axis=1)
    mixed = np.einsum("pij,pj->pi", steps, (counts / inside)[:, ::-1])
    edges = ndtr((np.arange(size + 1) - size / 2) / size)
    prior = np.diff(edges) / (edges[-1] - edges[0])
    densities: Numbers = (mixed + prior) / (counts.sum(axis=1) + 1.0)[:, None]
    return densities


def _widths(counts: Places) -> Numbers:
    """(outcomes,) Scott's width of the kernels, in steps."""
    steps, total = np.arange(counts.shape[1]), np.maximum(counts.sum(axis=1), 1)
    below = counts.cumsum(axis=1)
    means = counts @ steps / total
    squares = ((steps - means[:, None]) ** 2 * counts).sum(axis=1)
    deviations = np.sqrt(squares / np.maximum(1, total - 1))
    first = (below >= np.maximum(total // 4, 1)[:, None]).argmax(axis=1)
    third = (below > (total * 3 // 4)[:, None]).argmax(axis=1)
    spread = np.minimum((third - first) / 1.34, deviations)
    widths: Numbers = np.maximum(1.059 * spread * total**-0.2, _NARROWEST)
    return widths


def _names(counts: Places) -> Numbers:
    """Each seen name with a share for all, and the prior, all alike: (outcomes, size)."""
    size, total = counts.shape[1], counts.sum(axis=1)[:, None]
    share = 1.0 / (np.count_nonzero(counts, axis=1) + 1.0)[:, None]
    mixed = (total * share + counts) / (size * share + 1.0)
    densities: Numbers = (mixed + 1.0 / size) / (total + 1.0)
    return densities
