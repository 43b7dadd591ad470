"""Training: learning curves, what halving stopped, and whether early or source scores tell."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.selection import MEAN, finished, finished_with_mean
from dgsearch.analysis.shared_seeds import balanced_trials
from dgsearch.analysis.statistics import Correlation, rank_correlation

__all__ = [
    "early_against_final",
    "learning_curves",
    "selection_gap",
    "source_against_target",
    "source_target_correlation",
    "stopped_trials",
]

_TOP = 1 / 3  # of the trials, that halving ought to keep


def learning_curves(
    trials: pd.DataFrame, epochs: pd.DataFrame, *, columns: Sequence[str]
) -> pd.DataFrame:
    """Accuracy over epochs: the mean of each row's trials with the range of most of them.

    Args:
        trials: With trial_number and `row`.
        epochs: One row a trial and epoch: trial_number, epoch and the columns asked for.
        columns: Names of columns of accuracies.

    Returns:
        One row a row, column and epoch: row, column, epoch, n, mean, low, high (10% and 90%
        quantiles of the trials).
    """
    joined = trials[["row", "trial_number"]].merge(epochs, on="trial_number", how="inner")
    long = joined.melt(
        id_vars=["row", "trial_number", "epoch"],
        value_vars=list(columns),
        var_name="column",
        value_name="accuracy",
    )
    grouped = long.groupby(["row", "column", "epoch"], sort=False, observed=True)["accuracy"]
    table = grouped.agg(n="count", mean="mean")
    table["low"], table["high"] = grouped.quantile(0.1), grouped.quantile(0.9)
    return table.reset_index()


def stopped_trials(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Where halving stopped whom.

    Args:
        trials: `read_trials` of one study.
        curves: `read_curves` of it.

    Returns:
        One row a trial that was stopped early: trial_number, rung (epoch), cutoff (value that it
        had to reach; missing for a study that dgsearch did not write), value (that it had).
    """
    pruned = trials.loc[trials["state"] == "PRUNED", ["trial_number", "rung", "cutoff"]]
    last = curves.sort_values("epoch").drop_duplicates("trial_number", keep="last")
    joined = pruned.merge(last[["trial_number", "epoch", "value"]], on="trial_number")
    rung = joined["rung"].fillna(joined["epoch"]).astype("int64")
    return joined.assign(rung=rung)[["trial_number", "rung", "cutoff", "value"]]


def early_against_final(
    trials: pd.DataFrame, curves: pd.DataFrame, *, maximise: bool = True
) -> pd.DataFrame:
    """How well the value at each epoch ranks trials as their last value does.

    Only trials of full length count, so the answer holds for those that were not stopped.

    Args:
        trials: `read_trials` of one study.
        curves: `read_curves` of it.
        maximise: Whether higher is better.

    Returns:
        One row an epoch before the last: epoch, n, rho, low, high (Spearman with its 95%
        interval), kept (share of the final best third that is in the best third at the epoch).
    """
    done = finished(trials, ["trial_number"])
    values = curves[curves["trial_number"].isin(done["trial_number"])]
    wide = values.pivot_table(index="trial_number", columns="epoch", values="value").dropna()
    rows = []
    if len(wide) and len(wide.columns) > 1:
        final = wide[wide.columns[-1]]
        top = set(_best(final, maximise))
        for epoch in wide.columns[:-1]:
            found = rank_correlation(wide[epoch].tolist(), final.tolist())
            kept = len(top & set(_best(wide[epoch], maximise))) / len(top)
            rows.append({"epoch": int(epoch), **found._asdict(), "kept": kept})
    return pd.DataFrame(rows, columns=["epoch", "n", "rho", "low", "high", "kept"])


def source_against_target(trials: pd.DataFrame, *, targets: Sequence[str]) -> pd.DataFrame:
    """Each configuration's accuracy on the selection split and on the targets.

    Args:
        trials: `read_trials` of one study with a column `row`.
        targets: Target domains.

    Returns:
        One row a configuration that has all shared seeds (`shared_seeds.balanced`): config_id,
        row, n, validation, target (mean of targets), both means over the shared seeds.
    """
    done = finished_with_mean(trials, targets, ["config_id", "row", "seed", "value"])
    done = balanced_trials(done, f"accuracy/{MEAN}")
    grouped = done.groupby("config_id", sort=False, observed=True)
    table = grouped.agg(
        row=("row", "first"),
        n=("seed", "count"),
        validation=("value", "mean"),
        target=(f"accuracy/{MEAN}", "mean"),
    )
    return table.reset_index()


def source_target_correlation(configurations: pd.DataFrame) -> Correlation:
    """Spearman's correlation of `source_against_target` over the configurations."""
    return rank_correlation(
        configurations["validation"].tolist(), configurations["target"].tolist()
    )


def selection_gap(configurations: pd.DataFrame, *, maximise: bool = True) -> float:
    """What choosing by the selection split costs: best target mean less that of the choice.

    Args:
        configurations: `source_against_target`, means over the same seeds; those
            with fewer are left out.
        maximise: Whether a higher number is better.

    Returns:
        At least 0; NaN without configurations. The best of several noisy means is biased
        upwards, so the gap is an upper estimate.
    """
    full = configurations[configurations["n"] == configurations["n"].max()]
    full = full.dropna(subset=["validation", "target"])
    if full.empty:
        return float("nan")
    sign = 1.0 if maximise else -1.0
    chosen = full["target"].iloc[int((sign * full["validation"]).argmax())]
    return float((sign * full["target"]).max() - sign * chosen)


def _best(values: pd.Series[float], maximise: bool) -> list[int]:
    """Index of the best third."""
    count = max(1, round(len(values) * _TOP))
    ordered = values.sort_values(ascending=not maximise, kind="stable")
    return [int(number) for number in ordered.index[:count]]
