"""Joint importance: which share of what changes does each hyperparameter explain?

PED-ANOVA (Watanabe et al. 2023) asks what tells the best trials from the others; fANOVA
(Hutter et al. 2014) splits the variance of a random forest. Both come from Optuna. Their doubt
is that of bootstrap samples of the trials, which does not cover the choice of the ranges.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

__all__ = ["LEAST_TRIALS", "importances", "without_seed_effect"]

LEAST_TRIALS = 20
_MOST_TRIALS = 400  # of a bootstrap sample; more add time and little else
_REPEATS = {"PED-ANOVA": 60, "fANOVA": 16}
_TREES = 16


def without_seed_effect(frame: pd.DataFrame, column: str) -> pd.Series[float]:
    """A column less what is common to all rows of a seed; the grand mean is kept.

    Args:
        frame: With a column `seed` and the column of numbers.
        column: Its name.
    """
    numbers = frame[column].astype("float64")
    if frame["seed"].isna().any() or frame["seed"].nunique() < 2:
        return numbers
    centred: pd.Series[float] = numbers - numbers.groupby(frame["seed"]).transform("mean")
    return centred + numbers.mean()


def importances(
    trials: pd.DataFrame,
    names: Mapping[str, str],
    outcome: Sequence[float],
    *,
    maximise: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """Shares of importance with the 95% range of a bootstrap over trials.

    Args:
        trials: Finished trials of equal length, at least 20; hyperparameter columns.
        names: Column of each hyperparameter, by its name; each must take two values or more.
        outcome: What it is important for, one number a trial.
        maximise: Whether a higher outcome is better.
        seed: Of the bootstrap and the forests.

    Returns:
        One row a method and hyperparameter: evaluator ("PED-ANOVA", "fANOVA"), name, share
        (0..1, all of a method sum to 1), low, high (2.5% and 97.5% of the bootstrap), trials
        (of each bootstrap sample), repeats.
    """
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

    random = np.random.default_rng(seed)
    table = trials[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)
    numbers = np.asarray(outcome, dtype=np.float64)
    evaluators: dict[str, Any] = {
        "PED-ANOVA": PedAnovaImportanceEvaluator(target_quantile=0.2, evaluate_on_local=False),
        "fANOVA": FanovaImportanceEvaluator(n_trees=_TREES, seed=seed),
    }
    rows = []
    with _quiet():
        distributions = {name: _distribution(table[name]) for name in names}
        for label, evaluator in evaluators.items():
            shares = []
            for _ in range(_REPEATS[label]):
                chosen = random.integers(0, len(table), min(len(table), _MOST_TRIALS))
                study = _study(table.iloc[chosen], numbers[chosen], distributions, maximise)
                shares.append(_normalised(evaluator.evaluate(study), list(names)))
            rows += _summarised(
                label, np.array(shares), list(names), min(len(table), _MOST_TRIALS)
            )
    return pd.DataFrame(rows)


def _summarised(
    label: str, shares: np.ndarray[Any, Any], names: Sequence[str], trials: int
) -> list[dict[str, Any]]:
    """One row a hyperparameter: mean and range over the bootstrap."""
    low, high = np.quantile(shares, (0.025, 0.975), axis=0)
    return [
        {
            "evaluator": label,
            "name": name,
            "share": float(shares[:, place].mean()),
            "low": float(low[place]),
            "high": float(high[place]),
            "trials": trials,
            "repeats": len(shares),
        }
        for place, name in enumerate(names)
    ]


def _normalised(found: Mapping[str, float], names: Sequence[str]) -> list[float]:
    """Shares in the order of the names; equal shares where nothing explains anything."""
    total = sum(found.values())
    if not total > 0:
        return [1 / len(names)] * len(names)
    return [found.get(name, 0.0) / total for name in names]


def _distribution(values: pd.Series[Any]) -> BaseDistribution:
    """Optuna's distribution that spans the values."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if pd.api.types.is_numeric_dtype(values):
        numbers = values.astype("float64")
        return FloatDistribution(float(numbers.min()), float(numbers.max()))
    return CategoricalDistribution(list(dict.fromkeys(values.astype(str))))


def _study(
    table: pd.DataFrame,
    numbers: np.ndarray[Any, Any],
    distributions: dict[str, BaseDistribution],
    maximise: bool,
) -> Study:
    """An Optuna study in memory that holds the rows as trials."""
    import optuna

    numeric = {name: pd.api.types.is_numeric_dtype(table[name]) for name in distributions}
    columns = [
        table[name].astype("float64" if numeric[name] else str).tolist() for name in distributions
    ]
    study = optuna.create_study(direction="maximize" if maximise else "minimize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(zip(distributions, values, strict=True)),
                distributions=distributions,
                value=float(number),
            )
            for *values, number in zip(*columns, numbers, strict=True)
        ]
    )
    return study


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna without its log lines, and without warnings that its evaluators are young."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
