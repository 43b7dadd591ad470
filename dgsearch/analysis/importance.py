"""Joint importance, each number compared with chance: which hyperparameters matter at all?

PED-ANOVA (Watanabe et al. 2023) measures how the better trials differ from the others, at four
cuts.
fANOVA (Hutter et al. 2014) splits the variance of a random forest. PED-ANOVA, and for fANOVA
the main effects of trees of random splits (`main_effects`), are computed again on permuted
outcomes; a hyperparameter is important where it passes what these reach. No interval
is given: ranges over bootstrap samples of the trials held the true share of 2 x + y + noise in 0
to 42% of repeats.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.evaluators import fanova_inputs, ped_axes
from dgsearch.analysis.fanova import Inputs, fanova, main_effects
from dgsearch.analysis.ped_anova import ped_anova
from dgsearch.analysis.permuting import (
    LEVEL,
    PERMUTATIONS,
    Null,
    Numbers,
    null_of,
    permuted_places,
)

__all__ = ["LEAST_TRIALS", "METHODS", "importance_rows", "importances", "without_seed_effect"]

LEAST_TRIALS = 20
METHODS = ("PED-ANOVA", "fANOVA")
_SEED = 0  # of the permutations and the forests: a page is the same twice
_TREES, _FEWER_TREES = 24, 12
_MANY = 500  # trials from which on fewer trees tell as much
_DEPTH = 2  # of a tree, as in `fanova`; deeper ones fit noise, so that less is seen
_POOL = 1000  # trials at most; of more, those of a random choice of configurations


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
    methods: Collection[str] = METHODS,
) -> pd.DataFrame:
    """Importance by two methods, compared with permuted outcomes.

    Args:
        trials: Finished trials of equal length, at least 20: config_id, seed and columns of the
            hyperparameters.
        names: Column of each hyperparameter, by its name; each must take two values or more.
        outcome: What it is important for, one number a trial.
        logarithmic: Names of those that are on a logarithmic scale.
        maximise: Whether a higher outcome is better.
        methods: Which of the two.

    Returns:
        The rows of `importance_rows` for each method. `attrs["r2"]` is the
        out-of-bag R² of fANOVA's forest, fitted to means of configurations; `attrs["trials"]`
        how many trials were used: of more than 1,000 those of a random choice of configurations.
    """
    random = np.random.default_rng(_SEED)
    trials = _pool(trials.assign(_outcome=list(outcome)), random)
    table = trials[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)
    numbers = trials["_outcome"].to_numpy(dtype=np.float64)
    # a forest does not split values that differ by less than 1e-8
    numbers = (numbers - numbers.mean()) / (float(numbers.std()) or 1.0)
    configurations = trials["config_id"].tolist()
    places = permuted_places(configurations, trials["seed"].tolist(), random)
    inputs = fanova_inputs(table, logarithmic)
    trees = _TREES if len(numbers) < _MANY else _FEWER_TREES

    outcomes = np.array([numbers, *(numbers[own] for own in places)])
    rows: list[dict[str, Any]] = []
    if "PED-ANOVA" in methods:
        divergences = ped_anova(ped_axes(table, logarithmic), maximise=maximise)
        ped = null_of(divergences(outcomes))
        rows += importance_rows("PED-ANOVA", list(names), ped, ped.observed)
    if "fANOVA" in methods:
        split = null_of(main_effects(inputs, outcomes, trees=trees, seed=_SEED))
        shares = fanova(inputs, outcomes[:1], trees=trees, seed=_SEED).fractions[0]
        rows += importance_rows("fANOVA", list(names), split, shares)
    found = pd.DataFrame(rows)
    found.attrs["trials"] = len(trials)
    found.attrs["r2"] = _out_of_bag(inputs, numbers, configurations)
    return found


def importance_rows(
    evaluator: str, names: Sequence[str], null: Null, shares: Numbers
) -> list[dict[str, Any]]:
    """One row a hyperparameter.

    Args:
        evaluator: The method.
        names: Of the hyperparameters.
        null: What was tested, of each.
        shares: What is shown of each, in any unit; normalised here.

    Returns:
        evaluator, name, share (0..1, all sum to 1), strength (what was tested over what chance
        reaches in 5% of studies), p (corrected for the number of hyperparameters), important
        (p at most 0.05, strength above 1), permutations.
    """
    total = float(shares.sum())
    shares = shares / total if total > 0 else np.full(len(names), 1 / len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        strengths = np.where(null.limit > 0, null.observed / null.limit, 0.0)
    return [
        {
            "evaluator": evaluator,
            "name": name,
            "share": float(shares[at]),
            "strength": float(strengths[at]),
            "p": float(null.p[at]),
            "important": bool(null.p[at] <= LEVEL),
            "permutations": PERMUTATIONS,
        }
        for at, name in enumerate(names)
    ]


def _pool(trials: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The trials, or those of a random choice of configurations where they are too many."""
    if len(trials) <= _POOL:
        return trials
    order = {name: at for at, name in enumerate(random.permutation(trials["config_id"].unique()))}
    places = trials["config_id"].map(order)
    kept = np.sort(places.to_numpy())[_POOL]  # the first configuration that no longer fits
    chosen: pd.DataFrame = trials[places < max(kept, 1)]
    return chosen


def _out_of_bag(inputs: Inputs, numbers: Numbers, configurations: Sequence[Hashable]) -> float:
    """R² of such a forest in configurations that a tree was not fitted to."""
    from sklearn.ensemble import RandomForestRegressor

    _, first, own = np.unique(
        np.array([str(name) for name in configurations]), return_index=True, return_inverse=True
    )
    means = np.bincount(own, weights=numbers) / np.bincount(own)
    forest = RandomForestRegressor(
        n_estimators=_TREES, max_depth=_DEPTH, random_state=_SEED, oob_score=True
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
        forest.fit(inputs.columns[first], means)
    return float(forest.oob_score_)
