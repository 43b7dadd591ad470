"""A study judged by another rule than its own, from what is stored."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from dgsearch.analysis.rules import augmented_values
from dgsearch.study.families import AUGMENTED

__all__ = ["VALIDATION", "values_by_rule"]

VALIDATION = "validation"


def values_by_rule(
    trials: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    rule: str,
    families: Collection[str],
    metric: str = "accuracy",
    maximise: bool = True,
) -> pd.Series[float]:
    """What each trial would report for selection by a rule: its best epoch by it.

    Args:
        trials: `read_trials` of one study.
        scores: `read_scores` of it.
        rule: "validation", or "augmented": the mean over families of transformations.
        families: The families that count.
        metric: What is taken.
        maximise: Whether a higher number is better.

    Returns:
        One number a trial, in the order and with the index of `trials`; NaN where none is stored.
    """
    if rule == AUGMENTED:
        values = augmented_values(scores, families, metric=metric)
        at = values.groupby("trial_number")[AUGMENTED]
    else:
        own = scores[(scores["split"] == VALIDATION) & (scores["metric"] == metric)]
        epochs = own.groupby(["trial_number", "epoch"])["value"].mean()
        at = epochs.groupby(level="trial_number")
    best = at.max() if maximise else at.min()
    return trials["trial_number"].map(best).astype("float64")
