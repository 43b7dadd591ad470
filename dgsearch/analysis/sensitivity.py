"""Sensitivity: how accuracy responds to one hyperparameter, or to two, over their ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dgsearch.analysis.comparison import tied_with_best
from dgsearch.analysis.selection import (
    MEAN,
    finished,
    hyperparameter_column,
    long_accuracies,
    with_target_mean,
)
from dgsearch.analysis.shared_seeds import balanced, complete_crossing
from dgsearch.analysis.statistics import effect_p, intervals_by

__all__ = [
    "MOST_VALUES",
    "EffectRange",
    "bin_of",
    "binned",
    "effect_range",
    "pair_surface",
    "response_points",
    "response_summary",
    "response_trials",
    "values_effect_p",
    "values_tied_with_best",
]

MOST_VALUES = 12  # more distinct values than this are summarised in bins
_BINS = 8
_PAIR_BINS = 5
_PLACE = ("study", "trial_number", "config_id", "seed", "state", "role")


class EffectRange(NamedTuple):
    """Best and worst value of a hyperparameter, and the difference of their means."""

    best: Any
    worst: Any
    spread: float


def response_points(
    trials: pd.DataFrame, name: str, *, centre: Mapping[str, Any], targets: Sequence[str]
) -> pd.DataFrame:
    """Every seed's accuracy at every value of one hyperparameter.

    Only finished trials count whose other varied hyperparameters are at the centre. Where no
    such line through the space was run, as in a grid, each seed's accuracy is its mean over
    all configurations with that value; where a grid has gaps, over the settings of the others
    that all values have at that seed.

    Args:
        trials: `read_trials` of one study, points only.
        name: The hyperparameter.
        centre: Value of each varied hyperparameter while the others move.
        targets: Target domains.

    Returns:
        One row a value, seed and domain: value, seed, domain, accuracy (0..1), trial_number (-1
        for a mean of several trials), line (whether the others were at the centre).
        Domains are the targets and "mean of targets".
    """
    narrow = _narrow(trials, [name, *centre], targets)
    chosen, line = _of_response(with_target_mean(finished(narrow), targets), name, centre)
    chosen = chosen.rename(columns={hyperparameter_column(chosen, name): "_value"})
    if "trial_number" not in chosen:
        chosen = chosen.assign(trial_number=-1)
    long = long_accuracies(chosen, [*targets, MEAN], keep=["_value", "seed", "trial_number"])
    named = pd.Categorical(long["domain"], categories=[*targets, MEAN])
    points = (
        long.assign(domain=named)
        .groupby(["_value", "seed", "domain"], sort=False, observed=True)
        .agg(
            accuracy=("accuracy", "mean"),
            trial_number=("trial_number", "first"),
            trials=("trial_number", "size"),
        )
        .reset_index()
        .rename(columns={"_value": "value"})
    )
    alone = points.pop("trials") == 1
    return points.assign(trial_number=points["trial_number"].where(alone, -1), line=line)


def response_trials(trials: pd.DataFrame, name: str, *, centre: Mapping[str, Any]) -> pd.DataFrame:
    """The trials that `response_points` are means of: value, seed, trial_number."""
    chosen, _ = _of_response(finished(_narrow(trials, [name, *centre])), name, centre)
    column = hyperparameter_column(chosen, name)
    return chosen[[column, "seed", "trial_number"]].rename(columns={column: "value"})


def _narrow(
    trials: pd.DataFrame, names: Sequence[str], targets: Sequence[str] = ()
) -> pd.DataFrame:
    """The trials with those columns alone that tell of some hyperparameters."""
    columns = [hyperparameter_column(trials, name) for name in dict.fromkeys(names)]
    accuracies = [f"accuracy/{name}" for name in targets]
    wanted = list(dict.fromkeys([*_PLACE, *columns, *accuracies]))
    return trials[[name for name in wanted if name in trials]]


def _of_response(
    done: pd.DataFrame, name: str, centre: Mapping[str, Any]
) -> tuple[pd.DataFrame, bool]:
    """The trials that tell of one hyperparameter, and whether the others stay at the centre."""
    column = hyperparameter_column(done, name)
    others = [other for other in centre if other != name]
    on_line = done
    for other in others:
        on_line = on_line[on_line[hyperparameter_column(done, other)] == centre[other]]
    line = not others or on_line[column].nunique() > 1
    chosen = on_line if line else done
    chosen = chosen.dropna(subset=[column])
    if not line and len(chosen):
        columns = [hyperparameter_column(done, other) for other in others]
        chosen = complete_crossing(chosen, [column], columns)
    return chosen, line


def bin_of(points: pd.DataFrame) -> pd.Series[Any]:
    """By value, the value that stands for it in `binned`."""
    values = points["value"]
    if values.nunique() <= MOST_VALUES or not pd.api.types.is_numeric_dtype(values):
        different = values.unique()
        return pd.Series(different, index=different)
    numbers = values.astype("float64")
    bins = pd.qcut(numbers, _BINS, duplicates="drop", labels=False)
    medians = numbers.groupby(bins).transform("median")
    return pd.Series(medians.to_numpy(), index=values).groupby(level=0).first()


def binned(points: pd.DataFrame) -> pd.DataFrame:
    """The points with each value replaced by the median of its bin, where values are many.

    Bins hold equal numbers of points; each seed's accuracy is averaged within a bin. Points
    of at most 12 values, and of names, come back as they are.
    """
    values = points["value"]
    if values.nunique() <= MOST_VALUES or not pd.api.types.is_numeric_dtype(values):
        return points
    grouped = points.assign(value=values.map(bin_of(points))).groupby(
        ["value", "seed", "domain", "line"], sort=False, observed=True
    )
    return grouped["accuracy"].mean().reset_index()


def response_summary(points: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds with a 95% t interval at each value.

    Args:
        points: From `response_points`.

    Returns:
        One row a value and domain, in order of value: value, domain, n, mean, deviation, low,
        high (accuracies 0..1; the last three NaN for a single seed).
    """
    frame = intervals_by(points, ["value", "domain"], "accuracy")
    return frame.sort_values("value", kind="stable").reset_index(drop=True)


def on_shared_seeds(points: pd.DataFrame, domain: str = MEAN) -> pd.DataFrame:
    """The points of seeds that the values share, so that their means may be compared.

    Args:
        points: From `response_points`, or `binned`.
        domain: Whose accuracies decide which seeds a value has.

    Returns:
        The points of the values and seeds that `balanced` keeps; all where it keeps every one.
    """
    part = points[points["domain"] == domain]
    kept = balanced(part.pivot_table("accuracy", index="seed", columns="value", observed=True))
    return points[points["seed"].isin(kept.index) & points["value"].isin(kept.columns)]


def effect_range(tied: pd.DataFrame, *, maximise: bool = True) -> EffectRange:
    """Where the mean over the shared seeds is best, where worst, and by how much they differ.

    Args:
        tied: From `values_tied_with_best`; only values that are ranked count.
        maximise: Whether a higher accuracy is better.

    Returns:
        Best value, worst value, difference of their means (0..1, never negative). The difference
        of the largest and the smallest of several noisy means is biased upwards; it is no effect
        by itself.
    """
    part = tied[tied["ranked"]].sort_values("common", ascending=not maximise, kind="stable")
    best, worst = part.iloc[0], part.iloc[-1]
    return EffectRange(best["value"], worst["value"], float(abs(best["common"] - worst["common"])))


def values_tied_with_best(
    points: pd.DataFrame, domain: str = MEAN, *, maximise: bool = True
) -> pd.DataFrame:
    """Which values of a hyperparameter do not differ from the best, paired over seeds.

    Args:
        points: From `response_points`, or `binned`.
        domain: Whose accuracy.
        maximise: Whether higher is better.

    Returns:
        `tied_with_best`, with `value` instead of `row`, in order of value.
    """
    part = points[points["domain"] == domain]
    wide = part.pivot_table(index="seed", columns="value", values="accuracy", observed=True)
    return tied_with_best(wide, maximise=maximise).rename(columns={"row": "value"})


def values_effect_p(points: pd.DataFrame, domain: str = MEAN) -> float:
    """P value against "the values do not differ at all", on the seeds that they share.

    Args:
        points: From `response_points`, or `binned`.
        domain: Whose accuracy.

    Returns:
        `effect_p`; 1 where fewer than two seeds are shared.
    """
    part = points[points["domain"] == domain]
    wide = part.pivot_table(index="seed", columns="value", values="accuracy", observed=True)
    return effect_p(balanced(wide).to_numpy(dtype=np.float64))


def pair_surface(
    trials: pd.DataFrame,
    first: str,
    second: str,
    *,
    targets: Sequence[str],
    others: Sequence[str] = (),
) -> pd.DataFrame:
    """Mean accuracy over the targets at each pair of values of two hyperparameters.

    Each seed's accuracy is its mean over all finished configurations in the cell. Many values
    are put into bins of equal numbers of trials, named by their median.

    Args:
        trials: `read_trials` of one study, points only.
        first: A hyperparameter.
        second: Another.
        targets: Target domains.
        others: Columns of the further varied hyperparameters: where a grid has gaps, only their
            settings count that all pairs have at a seed.

    Returns:
        One row a cell that has trials: first, second (values), n (seeds), mean, deviation, low,
        high (0..1), ranked (whether it has all the seeds that the ranked cells share), trials
        (numbers of those in the cell), common (mean over the shared seeds; NaN where not ranked),
        elsewhere (the mean is over other seeds).
    """
    narrow = _narrow(trials, [first, second, *others], targets)
    done = with_target_mean(finished(narrow), targets)
    columns = [hyperparameter_column(done, name) for name in (first, second)]
    done = complete_crossing(done, columns, others) if len(done) else done
    cells = pd.DataFrame(
        {
            "first": _cells(done[hyperparameter_column(done, first)]),
            "second": _cells(done[hyperparameter_column(done, second)]),
            "seed": done["seed"],
            "accuracy": done[f"accuracy/{MEAN}"],
            "trial_number": done.get("trial_number", -1),
        }
    ).dropna(subset=["first", "second"])
    seeds = (
        cells.groupby(["first", "second", "seed"], observed=True)["accuracy"].mean().reset_index()
    )
    table = intervals_by(seeds, ["first", "second"], "accuracy")
    wide = seeds.pivot_table(
        index="seed", columns=["first", "second"], values="accuracy", observed=True
    )
    block = balanced(wide)
    means: dict[Any, float] = dict(block.mean().items())
    keys = list(zip(table["first"], table["second"], strict=True))
    ranked = pd.Series([key in means for key in keys], index=table.index, dtype=bool)
    numbers = cells.groupby(["first", "second"], observed=True)["trial_number"].agg(list)
    return table.assign(
        ranked=ranked,
        trials=[numbers[key] for key in keys],
        common=[means.get(key, float("nan")) for key in keys],
        elsewhere=~ranked | (table["n"] != len(block)),
    )


def _cells(values: pd.Series[Any]) -> pd.Series[Any]:
    """The values, or the median of each value's bin where they are many."""
    if values.nunique() <= _PAIR_BINS or not pd.api.types.is_numeric_dtype(values):
        return values
    if values.nunique() <= MOST_VALUES:
        return values
    numbers = values.astype(np.float64)
    bins = pd.qcut(numbers, _PAIR_BINS, duplicates="drop", labels=False)
    return numbers.groupby(bins).transform("median")
