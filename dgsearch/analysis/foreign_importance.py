"""Importance in studies that dgsearch did not write, conditional spaces included.

PED-ANOVA for conditional spaces (arXiv:2601.20800) is Optuna's: a hyperparameter counts where
it is active. Log scales are handed on as declared. The doubt is that of bootstrap samples.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial

from dgsearch.analysis.foreign import ForeignTrials, Parameter
from dgsearch.analysis.importance import LEAST_TRIALS, quiet, resampled

__all__ = ["foreign_importances"]

_REPEATS = 40
_MOST_TRIALS = 300  # of a bootstrap sample
_POOL = 2000


def foreign_importances(trials: ForeignTrials, *, seed: int = 0) -> pd.DataFrame:
    """Shares of importance with the 95% range of a bootstrap over the trials that count.

    Args:
        trials: The study.
        seed: Of the bootstrap.

    Returns:
        One row a hyperparameter that varies: evaluator, name, share (all sum to 1), low, high
        (2.5% and 97.5%), trials (that have it). Empty for fewer than 20 trials that count,
        fewer than two such hyperparameters, or values that are all equal.
    """
    varying = [item for item in trials.parameters if item.varies]
    places = np.flatnonzero(trials.counted)
    if len(places) < LEAST_TRIALS or len(varying) < 2 or trials.constant:
        return pd.DataFrame({"evaluator": [], "name": [], "share": []})
    random = np.random.default_rng(seed)
    places = random.permutation(places)[:_POOL]
    frozen = _frozen(trials, varying, places)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=0.2, evaluate_on_local=True)
    shares = []
    with quiet():
        study = optuna.create_study(
            direction="maximize" if trials.objective.maximised else "minimize"
        )
        for _ in range(_REPEATS):
            chosen = random.integers(0, len(frozen), min(len(frozen), _MOST_TRIALS))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Some regimes for parameter")
                found = evaluator.evaluate(resampled(study, [frozen[at] for at in chosen]))
            shares.append(_shares(found, [item.column for item in varying]))
    low, high = np.quantile(shares, (0.025, 0.975), axis=0)
    rows: list[dict[str, Any]] = [
        {"evaluator": "PED-ANOVA", "name": item.name, "share": float(np.mean(shares, axis=0)[at]),
         "low": float(low[at]), "high": float(high[at]),
         "trials": int((item.active & trials.counted).sum())}
        for at, item in enumerate(varying)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _shares(found: dict[str, float], names: list[str]) -> list[float]:
    """Shares in the order of the names; equal ones where nothing explains anything."""
    total = sum(found.values())
    if not total > 0:
        return [1 / len(names)] * len(names)
    return [found.get(name, 0.0) / total for name in names]


def _frozen(
    trials: ForeignTrials, varying: list[Parameter], places: np.ndarray[Any, Any]
) -> list[FrozenTrial]:
    """The trials as Optuna's, each with the hyperparameters that it has."""
    known = {item.column: _distribution(item) for item in varying}
    scale = float(np.abs(trials.values).max()) or 1.0
    frozen = []
    for at in places:
        own = {item.column: item.places[at] for item in varying if item.active[at]}
        params = {
            name: str(int(place)) if isinstance(known[name], CategoricalDistribution) else place
            for name, place in own.items()
        }
        frozen.append(
            optuna.trial.create_trial(
                params=params,
                distributions={name: known[name] for name in own},
                value=float(trials.values[at] / scale),
            )
        )
    return frozen


def _distribution(parameter: Parameter) -> BaseDistribution:
    """As declared, with choices by their place; a range that holds every number seen."""
    found = parameter.places[parameter.active]
    if parameter.labels:
        return CategoricalDistribution([str(at) for at in np.unique(found).astype(int)])
    low, high = parameter.distribution.low, parameter.distribution.high
    lows = [float(found.min()), *([float(low)] if low is not None else [])]
    highs = [float(found.max()), *([float(high)] if high is not None else [])]
    log = parameter.log and min(lows) > 0
    return FloatDistribution(min(lows), max(highs), log=log)
