"""A study judged by its own rule or by another one, from what is stored."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.augmented import Judging, augmented_values, moved, study_judging
from dgsearch.analysis.rules import epoch_accuracies, rule_epochs
from dgsearch.database.facts import StudyFacts
from dgsearch.study.families import AUGMENTED

__all__ = [
    "JUDGING",
    "VALIDATION",
    "looks_at_scores",
    "on_one_level",
    "trials_by_rule",
    "values_by_rule",
]

VALIDATION = "validation"
JUDGING = (VALIDATION, AUGMENTED)  # rules by which trials may be judged without their targets


def looks_at_scores(facts: StudyFacts, rule: str | None) -> bool:
    """Whether `trials_by_rule` needs the scores of a study.

    Args:
        facts: The study without its trials.
        rule: As for `trials_by_rule`.
    """
    return facts.levels or (rule in JUDGING and rule != facts.rule)


def on_one_level(
    frames: Sequence[pd.DataFrame], trials: pd.DataFrame, scores: pd.DataFrame, facts: StudyFacts
) -> Sequence[pd.DataFrame]:
    """Trials or curves of a study with values that can be compared across its methods.

    Args:
        frames: With the columns trial_number and value, as recorded.
        trials: `read_trials` of the study.
        scores: `read_scores` of it; may be empty unless `looks_at_scores`.
        facts: The study without its trials.
    """
    if not looks_at_scores(facts, None):
        return frames
    metric = facts.spec.selecting if facts.spec else "accuracy"
    judging = study_judging(trials, scores, facts, metric=metric)
    return [moved(frame, judging) for frame in frames]


def values_by_rule(
    trials: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    rule: str,
    judging: Judging,
    metric: str = "accuracy",
    maximise: bool = True,
) -> pd.Series[float]:
    """What each trial would report for selection by a rule: its best epoch by it.

    Args:
        trials: `read_trials` of one study.
        scores: `read_scores` of it.
        rule: "validation", or "augmented": the mean over families of transformations.
        judging: By which families each trial is judged.
        metric: What is taken.
        maximise: Whether a higher number is better.

    Returns:
        One number a trial, in the order and with the index of `trials`; NaN where none is stored.
    """
    if rule == AUGMENTED:
        values = augmented_values(scores, judging, metric=metric)
        at = values.groupby("trial_number")[AUGMENTED]
    else:
        own = scores[(scores["split"] == VALIDATION) & (scores["metric"] == metric)]
        epochs = own.groupby(["trial_number", "epoch"])["value"].mean()
        at = epochs.groupby(level="trial_number")
    best = at.max() if maximise else at.min()
    return trials["trial_number"].map(best).astype("float64")


def trials_by_rule(
    trials: pd.DataFrame,
    scores: pd.DataFrame,
    facts: StudyFacts,
    *,
    rule: str | None,
    judging: Judging | None = None,
    maximise: bool = True,
) -> pd.DataFrame:
    """Trials as a rule would have recorded them: value and targets at the epoch it takes.

    By the study's own rule they are as they were recorded, and by augmented validation on one
    level (`analysis.augmented`) where their methods are judged by different families.

    Args:
        trials: `read_trials` of one study.
        scores: `read_scores` of it; may be empty unless `looks_at_scores`.
        facts: The study without its trials.
        rule: "validation" or "augmented"; None and others: the study's own.
        judging: By which families each trial is judged; None: `study_judging`.
        maximise: Whether a higher number is better.

    Returns:
        `trials`, by another rule with other numbers in `value` and in the column of each target,
        such as `accuracy/photo`; NaN where none is stored.
    """
    if judging is None and not looks_at_scores(facts, rule):
        return trials
    metric = facts.spec.selecting if facts.spec else "accuracy"
    judging = judging or study_judging(trials, scores, facts, metric=metric)
    if rule not in JUDGING or rule == facts.rule:
        return moved(trials, judging) if facts.rule == AUGMENTED else trials
    values = values_by_rule(
        trials, scores, rule=rule, judging=judging, metric=metric, maximise=maximise
    )
    judged = trials.assign(value=values)
    named = [name for name in facts.targets if f"accuracy/{name}" in trials]
    epochs = epoch_accuracies(scores, named, metric=metric, judging=judging)
    picked, _ = rule_epochs(epochs, rule, maximise=maximise)
    at = picked.set_index("trial_number")
    own = {f"accuracy/{name}": trials["trial_number"].map(at[name]) for name in named}
    return judged.assign(**{name: column.astype("float64") for name, column in own.items()})
