"""A random forest in place of untried configurations, with its error said aloud.

Used for partial dependence (Friedman 2001) with ICE curves (Goldstein et al. 2015), and for
the steps of an ablation path that no trial took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "LEAST_CONFIGURATIONS",
    "Surrogate",
    "fit_surrogate",
    "mean_moves",
    "partial_dependence",
]

LEAST_CONFIGURATIONS = 12
_MOST_ROWS = 600
_TREES = 100
_GRID = 15
_CURVES = 40


@dataclass(frozen=True)
class Surrogate:
    """A fitted forest.

    Attributes:
        table: The configurations that it was fitted on, one column a hyperparameter.
        forest: scikit-learn's regressor.
        error: Mean absolute error out of bag: of the mean over the trees that were not fitted to
            the configuration, in the unit of the outcome.
        naive_error: The same for always predicting the mean of the other configurations.
        configurations: How many it was fitted on.
        r2: Of the variance, the share that the same predictions explain (out-of-bag R²).
    """

    table: pd.DataFrame
    forest: Any
    error: float
    naive_error: float
    configurations: int
    r2: float

    @property
    def useful(self) -> bool:
        """Whether it predicts left-out configurations better than their mean does."""
        return self.error < self.naive_error

    def predict(self, rows: pd.DataFrame) -> list[float]:
        """The outcome at each row of hyperparameters."""
        predicted: list[float] = self.forest.predict(_encoded(rows, self.table)).tolist()
        return predicted


def fit_surrogate(table: pd.DataFrame, outcome: Sequence[float], *, seed: int = 0) -> Surrogate:
    """Fit a forest to configurations and measure its error out of bag.

    Args:
        table: One row a configuration, one column a hyperparameter; at least 12 rows.
        outcome: Mean over seeds of each row.
        seed: Of the forest and the sample of at most 600 rows that is used.
    """
    from sklearn.ensemble import RandomForestRegressor  # takes most of a second to import

    chosen = np.random.default_rng(seed).permutation(len(table))[:_MOST_ROWS]
    rows = table.iloc[chosen].reset_index(drop=True)
    numbers = np.asarray(outcome, dtype=np.float64)[chosen]
    forest = RandomForestRegressor(
        n_estimators=_TREES, min_samples_leaf=2, oob_score=True, random_state=seed
    )
    forest.fit(_encoded(rows, rows), numbers)
    others = (numbers.sum() - numbers) / (len(numbers) - 1)
    return Surrogate(
        table=rows,
        forest=forest,
        error=float(np.abs(forest.oob_prediction_ - numbers).mean()),
        naive_error=float(np.abs(others - numbers).mean()),
        configurations=len(rows),
        r2=float(forest.oob_score_),
    )


def partial_dependence(surrogate: Surrogate, name: str) -> pd.DataFrame:
    """What the surrogate predicts over one hyperparameter, on average and per configuration.

    Args:
        surrogate: Fitted.
        name: The hyperparameter.

    Returns:
        One row a value and curve: value, curve (0..: an ICE curve of one configuration; -1:
        the mean over the shown ones), prediction.
    """
    shown = surrogate.table.iloc[:_CURVES]
    values = _grid(surrogate.table[name])
    moved = pd.concat([shown.assign(**{name: value}) for value in values], ignore_index=True)
    curves = pd.DataFrame(
        {
            "value": [value for value in values for _ in range(len(shown))],
            "curve": [*range(len(shown))] * len(values),
            "prediction": surrogate.predict(moved),
        }
    )
    means = curves.groupby("value", sort=False)["prediction"].mean().reset_index()
    return pd.concat([means.assign(curve=-1), curves], ignore_index=True)


def _grid(values: pd.Series[Any]) -> list[Any]:
    """The values in order, or quantiles of them where they are many."""
    distinct: list[Any] = sorted(values.unique().tolist())
    if len(distinct) <= _GRID or not pd.api.types.is_numeric_dtype(values):
        return distinct
    quantiles: list[Any] = np.quantile(values.astype("float64"), np.linspace(0, 1, _GRID)).tolist()
    return list(dict.fromkeys(quantiles))


def _encoded(rows: pd.DataFrame, fitted: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Numbers for the forest: names become one column a value seen when it was fitted."""
    encoded: dict[str, Any] = {}
    for name in fitted.columns:
        if pd.api.types.is_numeric_dtype(fitted[name]):
            encoded[str(name)] = rows[name].astype("float64").to_numpy()
            continue
        for value in sorted(set(fitted[name].astype(str))):
            encoded[f"{name}={value}"] = (rows[name].astype(str) == value).to_numpy()
    return np.column_stack(list(encoded.values())).astype(np.float64)


def mean_moves(curve: pd.DataFrame) -> float:
    """By how much the mean prediction changes over a hyperparameter, in the outcome's unit.

    Args:
        curve: `partial_dependence`.

    Returns:
        Highest less lowest mean, rounded so that equal ones stay in order.
    """
    means = curve.loc[curve["curve"] == -1, "prediction"]
    size = float(means.abs().max()) or 1.0
    return round(float(means.max() / size - means.min() / size), 9) * size
