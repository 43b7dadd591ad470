"""Selection rules side by side: which epoch and which configuration count, chosen by what?

Two rules look at the selection split alone, one at that split under transformations that the
trial's method does not train with (`analysis.augmented`); the oracle looks at the targets and says
what selection costs. Where it is stored which test images were right, the oracle of DomainBed
(Gulrajani and Lopez-Paz 2021, Sec. 3) stands beside them: the last epoch, the configuration by a
fifth of the target's images, and the accuracy on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.augmented import Judging, augmented_values
from dgsearch.analysis.chosen import chosen_configurations
from dgsearch.analysis.selection import MEAN, finished
from dgsearch.analysis.statistics import intervals_by
from dgsearch.database.predictions import unpacked
from dgsearch.study.families import AUGMENTED

__all__ = [
    "DOMAINBED",
    "RULES",
    "chosen_trials",
    "epoch_accuracies",
    "rule_epochs",
    "rule_table",
    "split_oracle",
]

RULES = ("validation", "last epoch", AUGMENTED, "oracle")
DOMAINBED = "oracle of DomainBed"
_HELD_OUT = 5  # one image in so many chooses


def epoch_accuracies(
    scores: pd.DataFrame,
    targets: Sequence[str],
    *,
    metric: str = "accuracy",
    judging: Judging | None = None,
) -> pd.DataFrame:
    """Accuracy, or another metric, on the selection split and on every target, epoch by epoch.

    Args:
        scores: `read_scores` of one study.
        targets: Target domains.
        metric: What is taken.
        judging: By which families of transformations trials are judged; None: by none.

    Returns:
        One row a trial and epoch: trial_number, epoch, validation (mean over the domains of the
        selection split), augmented (`augmented_values`; NaN where none is stored), one column a
        target, "mean of targets". Epochs that lack a target are left out.
    """
    accuracies = scores[scores["metric"] == metric]
    place = ["trial_number", "epoch"]
    selection = accuracies[accuracies["split"] == "validation"]
    tested = accuracies[(accuracies["split"] == "test") & accuracies["domain"].isin(list(targets))]
    wide = tested.assign(domain=tested["domain"].astype(str)).pivot_table(
        index=place, columns="domain", values="value"
    )
    validation = selection.groupby(place)["value"].mean().rename("validation")
    wide = wide.reindex(columns=list(targets)).dropna()
    wide[MEAN] = wide.mean(axis=1)
    judged = judging or Judging({}, {})
    augmented = augmented_values(scores, judged, metric=metric).set_index(place)
    joined = wide.join(validation, how="inner").join(augmented, how="left")
    return joined.reset_index().rename_axis(columns=None)


def rule_epochs(
    epochs: pd.DataFrame, rule: str, *, maximise: bool = True
) -> tuple[pd.DataFrame, str]:
    """The epoch of each trial that a rule takes, and the column by which it then chooses.

    Args:
        epochs: `epoch_accuracies`.
        rule: One of `RULES`.
        maximise: Whether a higher number is better.

    Returns:
        One row a trial that has the rule's number at some epoch, with the columns of `epochs`.
    """
    criterion = {"oracle": MEAN, AUGMENTED: AUGMENTED}.get(rule, "validation")
    at = epochs.dropna(subset=[criterion]).sort_values(["trial_number", "epoch"])
    if rule == "last epoch":
        return at.drop_duplicates("trial_number", keep="last"), criterion
    by_trial = at.groupby("trial_number")[criterion]
    return at.loc[by_trial.idxmax() if maximise else by_trial.idxmin()], criterion


def chosen_trials(
    trials: pd.DataFrame,
    epochs: pd.DataFrame,
    *,
    rule: str,
    targets: Sequence[str],
    maximise: bool = True,
) -> pd.DataFrame:
    """The trials of the configuration that a rule chooses for each row, at the epoch it chooses.

    Within a row it is that of `chosen_configurations`: by accuracy on the selection split, or on
    it under transformations, for the oracle by that on the targets.

    Args:
        trials: `read_trials` of one study with a column `row` (what is compared).
        epochs: `epoch_accuracies`.
        rule: One of `RULES`.
        targets: Target domains.
        maximise: Whether a higher number is better.

    Returns:
        One row a trial: row, config_id, seed, epoch, validation, one column a target, "mean of
        targets".
    """
    done = finished(trials, ["row", "config_id", "seed", "trial_number"])
    picked, criterion = rule_epochs(epochs, rule, maximise=maximise)
    joined = done.merge(picked, on="trial_number", how="inner")
    best = chosen_configurations(joined, by="row", value=criterion, maximise=maximise)
    chosen = best[["row", "config_id"]].merge(joined, how="left")
    columns = ["row", "config_id", "seed", "epoch", "validation", *targets, MEAN]
    return chosen[columns]


def split_oracle(
    trials: pd.DataFrame,
    tested: Mapping[tuple[int, str], tuple[int, bytes]],
    targets: Sequence[str],
) -> pd.DataFrame:
    """The trials of the configuration that a fifth of the target images chooses for each row.

    Args:
        trials: As for `chosen_trials`, of a study whose last epoch counts.
        tested: `read_tested`: which test images each trial classified correctly.
        targets: Target domains.

    Returns:
        One row a trial: row, config_id, seed, one column a target and "mean of targets", all on
        the images that did not choose. Trials that lack a target are left out.
    """
    done = finished(trials, ["row", "config_id", "seed", "trial_number"])
    rows: list[dict[str, Any]] = []
    for row, config_id, seed, number in done.itertuples(index=False):
        stored = [tested.get((int(number), target)) for target in targets]
        images = [unpacked(known[1], known[0]) for known in stored if known]
        if len(images) < len(targets) or min(len(right) for right in images) <= _HELD_OUT:
            continue
        chooses = [np.arange(len(right)) % _HELD_OUT == 0 for right in images]
        pairs = list(zip(images, chooses, strict=True))
        reported = [float(right[~own].mean()) for right, own in pairs]
        rows.append(
            {
                "row": row,
                "config_id": config_id,
                "seed": seed,
                "held_out": float(np.mean([right[own].mean() for right, own in pairs])),
                **dict(zip(targets, reported, strict=True)),
                MEAN: float(np.mean(reported)),
            }
        )
    columns = ["row", "config_id", "seed", *targets, MEAN]
    if not rows:
        return pd.DataFrame(columns=columns)
    found = pd.DataFrame(rows)
    best = chosen_configurations(found, by="row", value="held_out")
    return best[["row", "config_id"]].merge(found, how="left")[columns]


def rule_table(
    trials: pd.DataFrame,
    epochs: pd.DataFrame,
    *,
    targets: Sequence[str],
    maximise: bool = True,
    tested: Mapping[tuple[int, str], tuple[int, bytes]] | None = None,
) -> pd.DataFrame:
    """Every row under every rule.

    Args:
        trials: As for `chosen_trials`.
        epochs: `epoch_accuracies`.
        targets: Target domains.
        maximise: Whether a higher number is better.
        tested: `read_tested` of a study of accuracies whose last epoch counts.

    Returns:
        One row a row, rule and domain ("mean of targets" among them): row, rule, domain, n,
        mean, deviation, low, high (0..1).
    """
    found = {
        rule: chosen_trials(trials, epochs, rule=rule, targets=targets, maximise=maximise)
        for rule in RULES
        if rule != AUGMENTED or epochs[AUGMENTED].notna().any()
    }
    own = split_oracle(trials, tested or {}, targets)
    parts = []
    for rule, chosen in (found | ({DOMAINBED: own} if len(own) else {})).items():
        long = chosen.melt(
            id_vars=["row", "seed"],
            value_vars=[*targets, MEAN],
            var_name="domain",
            value_name="accuracy",
        )
        parts.append(intervals_by(long, ["row", "domain"], "accuracy").assign(rule=rule))
    table = pd.concat(parts, ignore_index=True)
    return table[["row", "rule", "domain", "n", "mean", "deviation", "low", "high"]]
