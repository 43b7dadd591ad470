"""A random forest over the trials of a foreign study, where every trial has every hyperparameter.

Predictions are averaged over the trials (partial dependence, Friedman 2001). Logarithmic ranges
enter as logarithms. How far to believe the forest is its out-of-bag R².
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials, Parameter
from dgsearch.analysis.importance import LEAST_TRIALS
from dgsearch.database.snapshot import Floats

__all__ = ["ForeignSurrogate", "dependence_of", "foreign_surrogate", "pair_of", "why_no_surrogate"]

_MOST_CHOICES = 30  # of one hyperparameter; each is a column of the forest
_MOST_TRIALS = 1000
_AVERAGED = 100  # trials that a prediction is averaged over
_CURVES = 40
_TREES = 100
_GRID = 15
_PAIR_GRID = 12


@dataclass(frozen=True)
class ForeignSurrogate:
    """A forest fitted to finished trials.

    Attributes:
        parameters: That vary, in the order of the columns of `places`.
        places: (trials, parameters), on the axis: logarithms where it is logarithmic.
        forest: scikit-learn's regressor, fitted to values less `centre`, over `scale`.
        centre: Mean of the values.
        scale: Their standard deviation.
        r2: Out-of-bag R²; 0 or less: it knows nothing that the mean does not.
    """

    parameters: Sequence[Parameter]
    places: Floats
    forest: Any
    centre: float
    scale: float
    r2: float

    @property
    def numeric(self) -> list[Parameter]:
        """Hyperparameters that are numbers."""
        return [item for item in self.parameters if not item.labels]

    def predict(self, places: Floats) -> Floats:
        """(rows,): the values at rows of places."""
        found: Floats = self.forest.predict(_columns(self.parameters, places))
        return found * self.scale + self.centre

    def column(self, parameter: Parameter) -> int:
        """Which column of `places` a hyperparameter is."""
        return [item.column for item in self.parameters].index(parameter.column)


def why_no_surrogate(trials: ForeignTrials) -> str | None:
    """Why no forest is fitted, as the end of a sentence; None where one is."""
    varying = [item for item in trials.parameters if item.varies]
    count = int(trials.counted.sum())
    if count < LEAST_TRIALS:
        return f"{count} trials that count are fewer than {LEAST_TRIALS}"
    lacking = [item.name for item in varying if not item.active.all()]
    if lacking:
        return f"some trials lack {', '.join(lacking[:3])}{' and others' * (len(lacking) > 3)}"
    many = [item.name for item in varying if len(np.unique(item.places)) > _MOST_CHOICES]
    many = [item.name for item in varying if item.labels and item.name in many]
    if many:
        return f"{many[0]} has more than {_MOST_CHOICES} choices"
    return None


def foreign_surrogate(trials: ForeignTrials, *, seed: int = 0) -> ForeignSurrogate:
    """Fit a forest to the trials that count; of more than 1,000 to a random choice.

    Args:
        trials: A study for which `why_no_surrogate` has no reason and whose values differ.
        seed: Of the forest and the choice.
    """
    from sklearn.ensemble import RandomForestRegressor

    parameters = [item for item in trials.parameters if item.varies]
    counted = np.flatnonzero(trials.counted)
    chosen = np.random.default_rng(seed).permutation(counted)[:_MOST_TRIALS]
    places = np.column_stack([item.scaled for item in parameters])[chosen]
    values = trials.values[chosen]
    size = float(np.abs(values).max()) or 1.0
    centre = float((values / size).mean()) * size
    scale = float((values / size).std()) * size or 1.0
    forest = RandomForestRegressor(
        n_estimators=_TREES, min_samples_leaf=2, oob_score=True, random_state=seed
    )
    forest.fit(_columns(parameters, places), values / scale - centre / scale)
    return ForeignSurrogate(parameters, places, forest, centre, scale, float(forest.oob_score_))


def dependence_of(surrogate: ForeignSurrogate, parameter: Parameter) -> pd.DataFrame:
    """What the forest predicts over one hyperparameter, others as in the trials.

    Args:
        surrogate: Fitted.
        parameter: One of its numbers.

    Returns:
        One row a value and curve: value, curve (0..: one trial moved along; -1: mean over
        trials), prediction. Values are quantiles of the trials' own.
    """
    column = surrogate.column(parameter)
    grid = _grid(surrogate.places[:, column], _GRID)
    base = surrogate.places[:_AVERAGED]
    moved = np.tile(base, (len(grid), 1))
    moved[:, column] = np.repeat(grid, len(base))
    predicted = surrogate.predict(moved).reshape(len(grid), len(base))  # (values, trials)
    shown = np.column_stack([predicted.mean(axis=1), predicted[:, :_CURVES]])
    values = _unscaled(parameter, grid)
    curves = np.arange(-1, shown.shape[1] - 1)
    return pd.DataFrame(
        {
            "value": np.repeat(values, shown.shape[1]),
            "curve": np.tile(curves, len(values)),
            "prediction": shown.ravel(),
        }
    )


def pair_of(surrogate: ForeignSurrogate, first: Parameter, second: Parameter) -> pd.DataFrame:
    """What the forest predicts over two hyperparameters, mean over the others of the trials.

    Returns:
        One row a pair of values: first, second, prediction.
    """
    columns = [surrogate.column(item) for item in (first, second)]
    grids = [_even(surrogate.places[:, column]) for column in columns]
    pairs = np.array([(one, other) for one in grids[0] for other in grids[1]])  # (pairs, 2)
    base = surrogate.places[:_AVERAGED]
    moved = np.tile(base, (len(pairs), 1))
    moved[:, columns] = np.repeat(pairs, len(base), axis=0)
    predicted = surrogate.predict(moved).reshape(len(pairs), len(base)).mean(axis=1)
    return pd.DataFrame(
        {
            "first": _unscaled(first, pairs[:, 0]),
            "second": _unscaled(second, pairs[:, 1]),
            "prediction": predicted,
        }
    )


def _unscaled(parameter: Parameter, places: Floats) -> Floats:
    found: Floats = 10**places if parameter.log else places
    return found


def _grid(places: Floats, most: int) -> Floats:
    """The places in order, or quantiles of them where they are many."""
    distinct = np.unique(places)
    if len(distinct) <= most:
        return distinct
    return np.unique(np.quantile(places, np.linspace(0, 1, most)))


def _even(places: Floats) -> Floats:
    """The places in order, or even steps from the lowest to the highest where they are many."""
    distinct = np.unique(places)
    if len(distinct) <= _PAIR_GRID:
        return distinct
    return np.linspace(distinct[0], distinct[-1], _PAIR_GRID)


def _columns(parameters: Sequence[Parameter], places: Floats) -> Floats:
    """Inputs of the forest: numbers as they are, one column a choice."""
    columns: list[Floats] = []
    for at, item in enumerate(parameters):
        own = places[:, at]
        if item.labels:
            seen = np.unique(item.places[item.active])
            columns += [(own == choice).astype(np.float64) for choice in seen]
        else:
            columns.append(own)
    return np.column_stack(columns)
