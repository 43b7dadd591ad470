"""Importance in studies that dgsearch did not write, conditional spaces included.

By PED-ANOVA for conditional spaces (arXiv:2601.20800): a hyperparameter counts where it is
active. Log scales are as declared. The doubt is that of permuted values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials, Parameter
from dgsearch.analysis.importance import LEAST_TRIALS, importance_rows
from dgsearch.analysis.ped_anova import QUANTILES, Axis, ped_anova, range_axis
from dgsearch.analysis.permuting import against_null, permuted_places

__all__ = ["better_shares", "foreign_importances"]

_POOL = 2000
_OF_BRANCHES = (0.2,)  # of a conditional space, where all of a good branch may be the better half


def better_shares(trials: ForeignTrials) -> Sequence[float]:
    """Which shares of the trials PED-ANOVA takes for the better ones."""
    return _OF_BRANCHES if trials.conditional else QUANTILES


def foreign_importances(trials: ForeignTrials, *, seed: int = 0) -> pd.DataFrame:
    """Importance compared with permuted values, over the trials that count.

    Args:
        trials: The study.
        seed: Of the permutations.

    Returns:
        The rows of `importance_rows` for "PED-ANOVA" and hyperparameters that vary, with trials
        (that have it). Empty for fewer than 20 trials that count, fewer than two such
        hyperparameters, or values that are all equal.
    """
    varying = [item for item in trials.parameters if item.varies]
    places = np.flatnonzero(trials.counted)
    if len(places) < LEAST_TRIALS or len(varying) < 2 or trials.constant:
        return pd.DataFrame({"evaluator": [], "name": [], "share": []})
    random = np.random.default_rng(seed)
    places = random.permutation(places)[:_POOL]
    divergences = ped_anova(
        [_axis(item, places) for item in varying],
        maximise=trials.objective.maximised,
        quantiles=better_shares(trials),
    )
    null = against_null(divergences, trials.values[places], _permutations(varying, places, random))
    rows = importance_rows("PED-ANOVA", [item.name for item in varying], null, null.observed)
    counts = [int((item.active & trials.counted).sum()) for item in varying]
    return pd.DataFrame(rows).assign(trials=counts)


def _permutations(
    varying: list[Parameter], places: np.ndarray[Any, Any], random: np.random.Generator
) -> list[np.ndarray[Any, np.dtype[np.intp]]]:
    """Permutations that keep the values of equal configurations together."""
    table = pd.DataFrame({item.column: item.places[places] for item in varying})
    own = table.groupby(list(table), dropna=False, sort=False)
    configurations = own.ngroup()
    return permuted_places(configurations.tolist(), own.cumcount().tolist(), random)


def _axis(item: Parameter, trials: np.ndarray[Any, Any]) -> Axis:
    """The axis of some trials, as declared; a range holds every number seen."""
    if item.labels:
        known = np.unique(item.places[item.active])
        places = np.searchsorted(known, np.nan_to_num(item.places, nan=known[0]))
        return Axis(np.where(item.active, places, -1)[trials], len(known), ordered=False)
    found = item.scaled
    ends = [float(end) for end in (np.nanmin(found), np.nanmax(found))]
    for end in (item.distribution.low, item.distribution.high):
        if end is not None and (end > 0 or not item.log):
            ends.append(math.log10(end) if item.log else float(end))
    return range_axis(found[trials], min(ends), max(ends))
