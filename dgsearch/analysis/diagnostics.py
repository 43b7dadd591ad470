"""Diagnostics: what training reported besides accuracy, and how it goes with accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import MEAN, finished_with_mean
from dgsearch.analysis.statistics import rank_correlation

__all__ = ["diagnostic_correlations", "diagnostic_series", "last_diagnostics"]


def diagnostic_series(trials: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Every diagnostic over epochs: mean of each row's trials with the range of most of them.

    Args:
        trials: With trial_number and `row`.
        scores: `read_scores` of one study; the split "train" holds diagnostics.

    Returns:
        One row a metric, row and epoch: metric, row, epoch, n, mean, low, high (10% and 90%
        quantiles over trials). A number that is missing or infinite is left out.
    """
    rows = trials[["trial_number", "row"]].astype({"row": "category"})
    train = _train(scores).merge(rows, on="trial_number")
    grouped = train.groupby(["metric", "row", "epoch"], sort=False, observed=True)["value"]
    table = grouped.agg(n="count", mean="mean")
    table["low"], table["high"] = grouped.quantile(0.1), grouped.quantile(0.9)
    return table.reset_index().astype({"metric": str, "row": str})


def last_diagnostics(scores: pd.DataFrame) -> pd.DataFrame:
    """Every diagnostic of a trial at its last epoch.

    Args:
        scores: `read_scores` of one study.

    Returns:
        One row a trial, indexed by trial_number, one column a metric.
    """
    train = _train(scores)
    metrics, names = pd.factorize(train["metric"], sort=True)
    trials, numbers = pd.factorize(train["trial_number"], sort=True)
    order = np.argsort(train["epoch"].to_numpy(), kind="stable")  # the last epoch overwrites
    wide = np.full((len(numbers), len(names)), np.nan)
    wide[trials[order], metrics[order]] = train["value"].to_numpy(np.float64)[order]
    index = pd.Index(numbers, name="trial_number")
    return pd.DataFrame(wide, index=index, columns=[str(name) for name in names])


def diagnostic_correlations(
    trials: pd.DataFrame, last: pd.DataFrame, *, targets: Sequence[str]
) -> pd.DataFrame:
    """Does a diagnostic go with the accuracy on the targets, across configurations?

    Both are taken less their mean over the trials of a seed, so that a seed that is easy for
    all does not count as agreement, and then as a mean over the seeds of a configuration: its
    trials repeat each other, so that each of them counted as one of its own would claim too
    much (in 17% to 40% of studies without any relation, instead of 5%).

    Args:
        trials: `read_trials` of one study, points and variants of one method.
        last: `last_diagnostics` of it.
        targets: Target domains.

    Returns:
        One row a metric that varies: metric, n (configurations), rho, low, high (Spearman with its
        95% interval, not corrected for the number of metrics).
    """
    place = ["trial_number", "seed", "config_id"]
    columns = [*place, f"accuracy/{MEAN}"]
    table = finished_with_mean(trials, targets, place)[columns].merge(
        last, left_on="trial_number", right_index=True, how="inner"
    )
    metrics = list(table.columns[len(columns) :])
    rows = {}
    for known, names in _known_together(table, metrics):
        means = _by_configuration(table[known], [columns[-1], *names])
        for name in names:
            rows[name] = rank_correlation(means[name].tolist(), means[columns[-1]].tolist())
    found = [{"metric": name, **rows[name]._asdict()} for name in metrics]
    table = pd.DataFrame(found, columns=["metric", "n", "rho", "low", "high"])
    return table[table["rho"].notna()].reset_index(drop=True)


def _known_together(
    table: pd.DataFrame, metrics: Sequence[str]
) -> Iterator[tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], list[str]]]:
    """The metrics that the same trials have, with which trials these are."""
    known = table[metrics].notna().to_numpy()
    alike: dict[bytes, list[int]] = {}
    for place in range(len(metrics)):
        alike.setdefault(known[:, place].tobytes(), []).append(place)
    for places in alike.values():
        yield known[:, places[0]], [metrics[place] for place in places]


def _by_configuration(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Mean of columns over the seeds of each configuration, each seed less its own mean."""
    numbers = table[list(columns)].astype("float64")
    if table["seed"].notna().all():
        numbers = numbers - numbers.groupby(table["seed"]).transform("mean")
    return numbers.groupby(table["config_id"], sort=False).mean().round(12)


def _train(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of diagnostics with a finite number."""
    train = scores[(scores["split"] == "train") & scores["value"].abs().lt(float("inf"))]
    return train[["trial_number", "epoch", "metric", "value"]]
