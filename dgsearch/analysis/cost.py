"""Cost: seconds per stage and epoch, memory, accuracy against cost, overhead over plain training.

Trials that ran beside others on one machine slow each other down; seconds are comparable
within a study that ran in one go, and exact only with one trial at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import MEAN, finished_with_mean
from dgsearch.analysis.shared_seeds import balanced
from dgsearch.analysis.statistics import intervals_by, mean_interval

__all__ = [
    "LAST",
    "OTHER",
    "cost_table",
    "overheads",
    "pareto",
    "stage_seconds",
    "typical_seconds",
]

LAST = "last stage"
OTHER = "evaluation and other"


def stage_seconds(trials: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """Mean seconds of each stage as if nothing had been shared.

    A stage that was taken from the store counts with the seconds that it spared.

    Args:
        trials: With trial_number, row, wall_s, train_s (of the last stage).
        stages: One row a trial and stage: trial_number, stage, taken, seconds, saved_s.

    Returns:
        One row a row and stage: row, stage, n, seconds (mean), taken (share of trials that took
        it from the store). The last stage and what is neither training nor a stage come last.
    """
    known = trials[["trial_number", "row", "wall_s", "train_s"]].dropna(subset=["wall_s"])
    full = stages.assign(seconds=stages["seconds"].where(~stages["taken"], stages["saved_s"]))
    spent = stages["seconds"].where(~stages["taken"], 0.0)
    used = spent.groupby(stages["trial_number"]).sum()
    rest = known["wall_s"] - known["train_s"] - known["trial_number"].map(used).fillna(0.0)
    last = known.assign(stage=LAST, seconds=known["train_s"], taken=False)
    other = known.assign(stage=OTHER, seconds=rest.clip(lower=0.0), taken=False)
    own = full.merge(known[["trial_number", "row"]], on="trial_number", how="inner")
    columns = ["row", "stage", "seconds", "taken"]
    table = pd.concat([own[columns], last[columns], other[columns]], ignore_index=True)
    grouped = table.groupby(["row", "stage"], sort=False, observed=True)
    return grouped.agg(
        n=("seconds", "count"), seconds=("seconds", "mean"), taken=("taken", "mean")
    ).reset_index()


def typical_seconds(trials: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """What earlier trials tell of the time of others like them.

    Args:
        trials: With trial_number, method, state, attempt, epochs, wall_s; only finished first
            attempts count, since a trial that was taken up again spent its time in two rows.
        stages: One row a trial and stage: trial_number, stage, taken, seconds, saved_s.

    Returns:
        One row a method and stage: method, stage, n, seconds (median over trials). Of an
        earlier stage they are those of all its epochs, of the last one those of one epoch with
        its evaluation and whatever else the trial did.
    """
    whole = (trials["state"] == "COMPLETE") & (trials["attempt"] == 1) & (trials["epochs"] > 0)
    known = trials[whole].dropna(subset=["wall_s"])
    spent = stages.groupby("trial_number")["seconds"].sum()
    rest = known["wall_s"] - known["trial_number"].map(spent).fillna(0.0)
    last = known.assign(stage=LAST, seconds=rest.clip(lower=0.0) / known["epochs"].astype(float))
    full = stages.assign(seconds=stages["seconds"].where(~stages["taken"], stages["saved_s"]))
    own = full.merge(known[["trial_number", "method"]], on="trial_number", how="inner")
    columns = ["method", "stage", "seconds"]
    table = pd.concat([own[columns], last[columns]], ignore_index=True)
    grouped = table.groupby(["method", "stage"], sort=False, observed=True)["seconds"]
    return grouped.agg(n="count", seconds="median").reset_index()


def cost_table(
    trials: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    targets: Sequence[str],
    maximise: bool = True,
) -> pd.DataFrame:
    """What each row's finished trials cost and reach.

    Args:
        trials: `read_trials` of one study with a column `row`.
        scores: `read_scores` of it; the metric `epoch_s` gives the seconds of an epoch.
        targets: Target domains.
        maximise: Whether a higher accuracy is better.

    Returns:
        One row a row: row, n, accuracy (mean of targets, 0..1), low, high (95% t), seconds
        (trial time with the time that shared stages spared: what it costs alone), epoch_s,
        memory_mb (peak), all means over trials, ranked (has all the seeds that the ranked rows
        share), elsewhere (the accuracy is over other seeds), efficient (ranked, and no other
        ranked row is both cheaper and, over the shared seeds, better).
    """
    columns = ["trial_number", "row", "seed", "wall_s", "saved_s", "peak_memory_mb"]
    done = finished_with_mean(trials, targets, columns)
    seconds = done["wall_s"] + done["saved_s"].fillna(0.0)
    epochs = scores[scores["metric"] == "epoch_s"].groupby("trial_number")["value"].mean()
    done = done.assign(seconds=seconds, epoch_s=done["trial_number"].map(epochs))
    grouped = done.groupby("row", sort=False, observed=True)
    costs = grouped.agg(
        seconds=("seconds", "mean"),
        epoch_s=("epoch_s", "mean"),
        memory_mb=("peak_memory_mb", "mean"),
    ).reset_index()
    reached = intervals_by(done, ["row"], f"accuracy/{MEAN}").rename(columns={"mean": "accuracy"})
    table = reached[["row", "n", "accuracy", "low", "high"]].merge(costs, on="row")
    wide = done.pivot_table(index="seed", columns="row", values=f"accuracy/{MEAN}", observed=True)
    block = balanced(wide)
    common = table["row"].map(block.mean())  # NaN where a row is not ranked
    ranked = common.notna()
    seeds = done.dropna(subset=[f"accuracy/{MEAN}"]).groupby("row", observed=True)["seed"]
    own = table["row"].map(seeds.nunique())
    return table.assign(
        ranked=ranked,
        elsewhere=~ranked | (own != len(block)),
        efficient=pareto(table["seconds"].tolist(), (common if maximise else -common).tolist()),
    )


def pareto(costs: Sequence[float], accuracies: Sequence[float]) -> list[bool]:
    """For each of several choices, whether no other is both cheaper and better.

    Args:
        costs: Lower is better; NaN is never efficient.
        accuracies: Higher is better.
    """
    cost, accuracy = np.asarray(costs), np.asarray(accuracies)
    efficient = []
    for own_cost, own_accuracy in zip(cost, accuracy, strict=True):
        no_worse = (cost <= own_cost) & (accuracy >= own_accuracy)
        better = (cost < own_cost) | (accuracy > own_accuracy)
        known = not (np.isnan(own_cost) or np.isnan(own_accuracy))
        efficient.append(known and not bool((no_worse & better).any()))
    return efficient


def overheads(trials: pd.DataFrame, *, reference: str) -> pd.DataFrame:
    """Time and memory of each row as a multiple of a reference's, paired over seeds.

    Args:
        trials: Finished trials with columns row, seed, wall_s, saved_s, peak_memory_mb.
        reference: The row to divide by, such as plain training.

    Returns:
        One row a row and measure: row, measure ("time", "memory"), pairs, ratio (geometric
        mean), low, high (95% t interval of the logarithm).
    """
    measures = {
        "time": trials["wall_s"] + trials["saved_s"].fillna(0.0),
        "memory": trials["peak_memory_mb"],
    }
    rows = []
    for measure, numbers in measures.items():
        table = trials.assign(number=np.log(numbers.where(numbers > 0)))
        wide = table.pivot_table(index="seed", columns="row", values="number", observed=True)
        for row in wide.columns:
            if reference not in wide:
                continue
            ratio = mean_interval((wide[row] - wide[reference]).tolist())
            rows.append(
                {
                    "row": row,
                    "measure": measure,
                    "pairs": ratio.n,
                    "ratio": float(np.exp(ratio.mean)),
                    "low": float(np.exp(ratio.low)),
                    "high": float(np.exp(ratio.high)),
                }
            )
    return pd.DataFrame(rows, columns=["row", "measure", "pairs", "ratio", "low", "high"])
