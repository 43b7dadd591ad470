"""Joint importance: which share of what changes does each hyperparameter explain?

PED-ANOVA (Watanabe et al. 2023) asks what tells the best trials from the others; fANOVA
(Hutter et al. 2014) splits the variance of a random forest. Both come from Optuna. Their doubt
is that of bootstrap samples of the trials. Their range is no confidence interval: with 60 trials
of 2 x + y + noise fANOVA's held the true share in 0 to 42% of repeats.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial

__all__ = ["LEAST_TRIALS", "importances", "quiet", "resampled", "without_seed_effect"]

LEAST_TRIALS = 20
_POOL = 2000  # trials that bootstrap samples are drawn from; of more a random choice
_MOST_TRIALS = 300  # of a bootstrap sample; more add time and little else
_REPEATS = {"PED-ANOVA": 40, "fANOVA": 12}
_MOST_CHOICES = 12  # of a numeric hyperparameter; more are taken for a range
_TREES = 12
_DEPTH = 5  # of a tree; the time grows with the square of its leaves


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
    logarithmic: Collection[str] = (),
    maximise: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """Shares of importance with the 95% range of a bootstrap over trials.

    Args:
        trials: Finished trials of equal length, at least 20; hyperparameter columns.
        names: Column of each hyperparameter, by its name; each must take two values or more.
        outcome: What it is important for, one number a trial.
        logarithmic: Names of those that are on a logarithmic scale.
        maximise: Whether a higher outcome is better.
        seed: Of the bootstrap and the forests.

    Returns:
        One row a method and hyperparameter: evaluator ("PED-ANOVA", "fANOVA"), name, share
        (0..1, all of a method sum to 1), low, high (2.5% and 97.5% of the bootstrap), trials
        (of each bootstrap sample), repeats.
    """
    random = np.random.default_rng(seed)
    table = trials[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)
    numbers = np.asarray(outcome, dtype=np.float64)
    pool = random.permutation(len(table))[:_POOL]
    evaluators: dict[str, Any] = {
        "PED-ANOVA": PedAnovaImportanceEvaluator(target_quantile=0.2, evaluate_on_local=True),
        "fANOVA": FanovaImportanceEvaluator(n_trees=_TREES, max_depth=_DEPTH, seed=seed),
    }
    size = min(len(pool), _MOST_TRIALS)
    rows = []
    with quiet():
        # a forest does not split values that differ by less than 1e-8
        spread = float(numbers.std()) or 1.0
        kept = _frozen(table.iloc[pool], (numbers[pool] - numbers.mean()) / spread, logarithmic)
        study = optuna.create_study(direction="maximize" if maximise else "minimize")
        for label, evaluator in evaluators.items():
            shares = []
            for _ in range(_REPEATS[label]):
                places = random.integers(0, len(kept), size)
                found = _evaluated(evaluator, study, [kept[place] for place in places])
                shares.append(_normalised(found, list(names)))
            rows += _summarised(label, np.array(shares), list(names), size)
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


def _evaluated(evaluator: Any, study: optuna.Study, sample: list[FrozenTrial]) -> dict[str, float]:
    """What Optuna's evaluator finds; nothing where all values of the sample are equal."""
    if len({trial.value for trial in sample}) < 2:
        return {}
    found: dict[str, float] = evaluator.evaluate(_Resampled(study, sample))
    return found


def _normalised(found: Mapping[str, float], names: Sequence[str]) -> list[float]:
    """Shares in the order of the names; equal shares where nothing explains anything."""
    total = sum(found.values())
    if not total > 0:
        return [1 / len(names)] * len(names)
    return [found.get(name, 0.0) / total for name in names]


def _distribution(values: pd.Series[Any], *, log: bool) -> BaseDistribution:
    """Optuna's distribution that spans the values; a few values are choices, not a range."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > _MOST_CHOICES:
        low, high = float(values.min()), float(values.max())
        return FloatDistribution(low, high, log=log and low > 0)
    return CategoricalDistribution(sorted(set(values.astype(str))))


def _frozen(
    table: pd.DataFrame, numbers: np.ndarray[Any, Any], logarithmic: Collection[str]
) -> list[FrozenTrial]:
    """The rows as Optuna's finished trials."""
    distributions = {
        str(name): _distribution(table[name], log=name in logarithmic) for name in table.columns
    }
    columns = [
        table[name].astype(
            "float64" if isinstance(distributions[str(name)], FloatDistribution) else str
        )
        for name in table.columns
    ]
    return [
        optuna.trial.create_trial(
            params=dict(zip(distributions, values, strict=True)),
            distributions=distributions,
            value=float(number),
        )
        for *values, number in zip(*columns, numbers, strict=True)
    ]


def _numbered(trial: FrozenTrial, number: int) -> FrozenTrial:
    """A copy with a number and an id of its own: evaluators tell trials apart by them."""
    numbered = copy.copy(trial)
    numbered.number = numbered._trial_id = number
    return numbered


def resampled(study: optuna.Study, sample: list[FrozenTrial]) -> optuna.Study:
    """A study of the same direction whose trials are a bootstrap sample."""
    return _Resampled(study, sample)


class _Resampled(optuna.Study):
    """A study that answers with a bootstrap sample of trials, so that none is copied."""

    def __init__(self, study: optuna.Study, sample: list[FrozenTrial]) -> None:
        super().__init__(study.study_name, study._storage)
        self._sample = [_numbered(trial, number) for number, trial in enumerate(sample)]

    def get_trials(self, *_: Any, **__: Any) -> list[FrozenTrial]:
        """The sample, whatever states are asked for: all its trials are complete."""
        return self._sample


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna without its log lines, and without warnings that samples are alike."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", message="Target and region quantiles select")
            yield
    finally:
        optuna.logging.set_verbosity(before)
