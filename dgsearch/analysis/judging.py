"""A study judged by another rule than its own, from what is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from dgsearch.analysis.rules import augmented_values, epoch_accuracies, rule_epochs
from dgsearch.study.families import AUGMENTED

__all__ = ["VALIDATION", "trials_by_rule", "values_by_rule"]

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


def trials_by_rule(  # noqa: PLR0913 - each is named at the call
    trials: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    rule: str,
    families: Collection[str],
    targets: Sequence[str],
    metric: str = "accuracy",
    maximise: bool = True,
) -> pd.DataFrame:
    """Trials as another rule would have recorded them: value and targets at the epoch it takes.

    Args:
        trials: `read_trials` of one study.
        scores: `read_scores` of it.
        rule: "validation" or "augmented".
        families: The families that count.
        targets: Target domains.
        metric: What is taken.
        maximise: Whether a higher number is better.

    Returns:
        `trials` with other numbers in `value` and in the column of each target, such as
        `accuracy/photo`; NaN where none is stored.
    """
    values = values_by_rule(
        trials, scores, rule=rule, families=families, metric=metric, maximise=maximise
    )
    judged = trials.assign(value=values)
    named = [name for name in targets if f"accuracy/{name}" in trials]
    epochs = epoch_accuracies(scores, named, metric=metric, families=families)
    picked, _ = rule_epochs(epochs, rule, maximise=maximise)
    at = picked.set_index("trial_number")
    own = {f"accuracy/{name}": trials["trial_number"].map(at[name]) for name in named}
    return judged.assign(**{name: column.astype("float64") for name, column in own.items()})
