"""Sobol indices: which share of the variance over the ranges does each hyperparameter cause?

The first-order index counts what a hyperparameter does by itself, the total index also what it
does together with others (Saltelli et al. 2010). They need the points of a `sobol` design.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

__all__ = ["outcomes_at", "sobol_indices"]

_RESAMPLES = 500
_SEED = 1  # SALib takes 0 for no seed, and then draws from numpy's global generator


def sobol_indices(names: Sequence[str], outcomes: Sequence[float]) -> pd.DataFrame:
    """First-order and total indices with bootstrap intervals over the base points.

    Args:
        names: The hyperparameters, in the order of the design.
        outcomes: One number a point of the design, in its order: N * (D + 2), none missing.

    Returns:
        One row a hyperparameter and kind: name, kind ("first", "total"), index, low, high
        (95%, normal approximation of 500 bootstrap samples). Estimates can lie a little below
        0 or above 1.

    Raises:
        ValueError: If the number of outcomes does not fit the design or one is missing.
    """
    from SALib.analyze.sobol import analyze

    numbers = np.asarray(outcomes, dtype=np.float64)
    block = len(names) + 2
    if len(numbers) == 0 or len(numbers) % block:
        raise ValueError(
            f"{len(numbers)} outcomes for {len(names)} hyperparameters; must be a multiple of "
            f"{block}, one for each point of the design"
        )
    if np.isnan(numbers).any():
        raise ValueError(f"{int(np.isnan(numbers).sum())} outcomes are missing; finish the study")
    if numbers.std() == 0:
        return _flat(names)
    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    found = analyze(
        problem, numbers, calc_second_order=False, num_resamples=_RESAMPLES, seed=_SEED
    )
    rows = []
    for place, name in enumerate(names):
        for kind, key in (("first", "S1"), ("total", "ST")):
            index, half = float(found[key][place]), float(found[f"{key}_conf"][place])
            rows.append(
                {"name": name, "kind": kind, "index": index, "low": index - half,
                 "high": index + half}
            )  # fmt: skip
    return pd.DataFrame(rows)


def outcomes_at(
    trials: pd.DataFrame, points: Sequence[Mapping[str, object]], column: str
) -> list[float]:
    """Mean outcome over seeds at each point of a design.

    Args:
        trials: Finished trials with the hyperparameters as columns.
        points: Values by column, in the order of the design.
        column: The outcome.

    Returns:
        One number a point; NaN where no trial has its values.
    """
    names = list(points[0])
    means = trials.groupby(names, observed=True)[column].mean()
    known = {
        key if isinstance(key, tuple) else (key,): float(value) for key, value in means.items()
    }
    return [known.get(tuple(point[name] for name in names), float("nan")) for point in points]


def _flat(names: Sequence[str]) -> pd.DataFrame:
    """Indices of an outcome that never changes: all zero."""
    rows = [
        {"name": name, "kind": kind, "index": 0.0, "low": 0.0, "high": 0.0}
        for name in names
        for kind in ("first", "total")
    ]
    return pd.DataFrame(rows)
