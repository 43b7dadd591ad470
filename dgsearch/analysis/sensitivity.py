"""Sensitivity: how accuracy responds to one hyperparameter over its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.selection import MEAN, finished, long_accuracies, with_target_mean
from dgsearch.analysis.statistics import mean_interval

__all__ = ["effect_range", "response_points", "response_summary"]


def response_points(
    trials: pd.DataFrame, name: str, *, centre: Mapping[str, Any], targets: Sequence[str]
) -> pd.DataFrame:
    """Every seed's accuracy at every value of one hyperparameter.

    Only finished trials count whose other varied hyperparameters are at the centre. Where no
    such line through the space was run, as in a grid, each seed's accuracy is its mean over
    all configurations with that value.

    Args:
        trials: `read_trials` of one study, points only.
        name: The hyperparameter.
        centre: Value of each varied hyperparameter while the others move.
        targets: Target domains.

    Returns:
        One row a value, seed and domain: value, seed, domain, accuracy (0..1), line (whether
        the others were at the centre). Domains are the targets and "mean of targets".
    """
    done = with_target_mean(finished(trials), targets)
    others = [other for other in centre if other != name]
    on_line = done
    for other in others:
        on_line = on_line[on_line[other] == centre[other]]
    line = on_line[name].nunique() > 1 or not others
    chosen = on_line if line else done
    long = long_accuracies(chosen, [*targets, MEAN], keep=[name, "seed"])
    points = (
        long.groupby([name, "seed", "domain"], sort=False, observed=True)["accuracy"]
        .mean()
        .reset_index()
        .rename(columns={name: "value"})
    )
    return points.assign(line=line)


def response_summary(points: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds with a 95% t interval at each value.

    Args:
        points: From `response_points`.

    Returns:
        One row a value and domain, in order of value: value, domain, n, mean, deviation, low,
        high (accuracies 0..1; the last three NaN for a single seed).
    """
    rows = [
        {"value": value, "domain": domain, **mean_interval(part["accuracy"].tolist())._asdict()}
        for (value, domain), part in points.groupby(["value", "domain"], sort=False)
    ]
    columns = ["value", "domain", "n", "mean", "deviation", "low", "high"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values("value", kind="stable").reset_index(drop=True)


def effect_range(summary: pd.DataFrame, domain: str = MEAN) -> tuple[Any, Any, float]:
    """Where the mean is highest, where lowest, and by how much they differ.

    Args:
        summary: From `response_summary`.
        domain: Whose accuracy.

    Returns:
        Best value, worst value, difference of their means (0..1). The difference of the largest
        and the smallest of several noisy means is biased upwards; it is no effect by itself.
    """
    part = summary[summary["domain"] == domain]
    best, worst = part.iloc[part["mean"].argmax()], part.iloc[part["mean"].argmin()]
    return best["value"], worst["value"], float(best["mean"] - worst["mean"])
