"""Summaries over seeds: the best configuration, means with intervals, grids, two studies.

Frames in, frames out. They take what `dgsearch.read_trials` gives. Only finished trials count,
and of several attempts at one configuration and seed the last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.chosen import chosen_configurations
from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.selection import finished
from dgsearch.analysis.statistics import mean_interval, sign_flip_p, smallest_sign_flip_p
from dgsearch.database.filters import chosen_columns
from dgsearch.database.frames import ACCURACY, hyperparameter_columns
from dgsearch.deprecation import deprecated
from dgsearch.errors import DatabaseError, one_of
from dgsearch.study.families import AUGMENTED

RULES = ("validation", AUGMENTED, "oracle")
_FORMER = {"source validation": "validation"}  # names of dgsearch 0.2
STATISTICS = ("n", "mean", "deviation", "low", "high")
_MATCHES = ("configuration", "best")
_FIXED = ("study", "config_id", "method", "role", "variant")
_KEY = "configuration"


def over_seeds(trials: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Mean and 95% t interval of a column over the seeds of each configuration.

    Where dgsearch did not write the trials, those of equal hyperparameters are one
    configuration.

    Args:
        trials: `read_trials`.
        column: What is averaged, such as "value" or "accuracy/photo".

    Returns:
        One row a study and configuration, in order of first trial: study, config_id, method,
        role, variant, the hyperparameters, n, mean, deviation (n - 1), low, high. The last
        three are NaN for a single seed.

    Raises:
        DatabaseError: If there is no such column.
    """
    chosen_columns(trials, [column])
    done = _keyed(finished(trials))
    head = [*_FIXED, *hyperparameter_columns(trials.columns)]
    groups = done.dropna(subset=[column]).groupby(["study", _KEY], sort=False)
    rows = groups[head].head(1).reset_index(drop=True)
    numbers = [mean_interval(part.tolist()) for _, part in groups[column]]
    table = pd.DataFrame(numbers, columns=list(STATISTICS)).astype(
        {"n": "int64"} | dict.fromkeys(STATISTICS[1:], "float64")
    )
    return rows.join(table)


def best(
    trials: pd.DataFrame,
    *,
    rule: str = "validation",
    targets: Sequence[str] = (),
    maximise: bool = True,
) -> pd.DataFrame:
    """The configuration that a selection rule chooses in each study.

    It is the one that the page chooses (`dgsearch.analysis.chosen`): of the best mean over the
    seeds that the configurations share, where some have several seeds among these. The mean is
    that of `value` by the rule "validation" (its images are the source's, or the target's where
    a distillation selects on them), of the mean accuracy on the targets by "oracle". The oracle
    saw the targets, so that its numbers are no estimate of what a user would get.

    Args:
        trials: `read_trials`; for "augmented" with a column of that name.
        rule: One of `RULES`.
        targets: Target domains; the oracle needs them.
        maximise: Whether a higher value is better; for the oracle it always is.

    Returns:
        One row a study: rule, then the columns of `over_seeds` for what the rule looks at, then
        the mean over seeds of every `accuracy/<domain>`.

    Raises:
        DatabaseError: If the rule is unknown or a target has no accuracy.
    """
    if rule in _FORMER:
        now = _FORMER[rule]
        deprecated(f"rule {rule!r}", since="0.3.0", removed="0.5.0", instead=repr(now))
        rule = now
    if rule not in RULES:
        raise DatabaseError(f"rule: {rule!r} is unknown; {one_of(rule, RULES)}")
    if rule == AUGMENTED and AUGMENTED not in trials:
        raise DatabaseError(
            f"rule {AUGMENTED!r} looks at scores under transformations; take "
            "dgsearch.open_study(...).best, which reads them"
        )
    if rule == "oracle" and not targets:
        raise DatabaseError("rule 'oracle' looks at the targets; name them: targets=[...]")
    oracle = rule == "oracle"
    column = {"oracle": "mean of targets", AUGMENTED: AUGMENTED}.get(rule, "value")
    scored = trials
    if oracle:
        of_targets = chosen_columns(trials, [f"{ACCURACY}{name}" for name in targets])
        scored = trials.assign(**{column: of_targets.mean(axis=1, skipna=False)})
    table = over_seeds(scored, column).drop(columns=column, errors="ignore")
    winners = _winners(table, scored, column, maximise=maximise or oracle)
    winners.insert(0, "rule", pd.Series([rule] * len(winners), dtype="string"))
    return winners.join(_accuracies(trials, winners))


def grid(
    trials: pd.DataFrame, rows: str, columns: str, *, values: str = "value", show: str = "mean"
) -> pd.DataFrame:
    """A table of two hyperparameters, over the seeds and whatever else varies.

    Args:
        trials: `read_trials`.
        rows: Hyperparameter down the side.
        columns: Hyperparameter along the top.
        values: What is averaged.
        show: One of `STATISTICS`.

    Returns:
        One row a value of `rows` and one column a value of `columns`, both in ascending order.

    Raises:
        DatabaseError: If there is no such column or statistic.
    """
    if show not in STATISTICS:
        raise DatabaseError(f"show: {show!r} is unknown; {one_of(show, STATISTICS)}")
    done = chosen_columns(finished(trials), [rows, columns, values])
    groups = done.dropna().groupby([rows, columns])[values]
    cells = {key: getattr(mean_interval(part.tolist()), show) for key, part in groups}
    index = pd.MultiIndex.from_tuples(cells, names=[rows, columns])
    return pd.Series(list(cells.values()), index=index, dtype="float64").unstack()


def compare(
    first: pd.DataFrame,
    second: pd.DataFrame,
    column: str = "value",
    *,
    match: str = "configuration",
    rope: float | None = None,
    maximise: bool = True,
) -> pd.DataFrame:
    """Two studies, paired over the seeds that both have.

    Args:
        first: `read_trials` of one study.
        second: `read_trials` of the other.
        column: What is compared.
        match: "configuration" pairs configurations that agree in every hyperparameter that
            both studies have; "best" pairs the configurations with the highest mean value.
        rope: Differences within plus and minus this count as practically none, in units of the
            column; None: nothing is called equivalent.
        maximise: Whether a higher value is better.

    Returns:
        One row a pair of configurations: the hyperparameters in common, pairs, first, second
        (means over those pairs), difference (second minus first), low, high (95% t interval of
        the difference), p (sign-flip, two-sided, not corrected), smallest_p (that so many pairs
        can reach), verdict on the second ("better", "worse", "equivalent" by two one-sided t
        tests with Holm's correction, or "open").

    Raises:
        DatabaseError: If `match` is unknown or a frame has no such column.
    """
    if match not in _MATCHES:
        raise DatabaseError(f"match: {match!r} is unknown; {one_of(match, _MATCHES)}")
    for frame in (first, second):
        chosen_columns(frame, [column])
    known = hyperparameter_columns(second.columns)
    shared = [name for name in hyperparameter_columns(first.columns) if name in known]
    if match == "best":
        first, second = _of_best(first), _of_best(second)
        shared = []
    left, right = (_keyed(finished(frame), shared) for frame in (first, second))
    pairs = left.merge(right[[_KEY, "seed", column]], on=[_KEY, "seed"], suffixes=("", " second"))
    rows = []
    for _, part in pairs.dropna(subset=[column]).groupby(_KEY, sort=False):
        differences = (part[f"{column} second"] - part[column]).dropna()
        interval = mean_interval(differences.tolist())
        both = part.loc[differences.index]
        rows.append(
            {name: part[name].iloc[0] for name in shared}
            | {
                "pairs": interval.n,
                "first": both[column].mean(),
                "second": both[f"{column} second"].mean(),
                "difference": interval.mean,
                "low": interval.low,
                "high": interval.high,
                "p": sign_flip_p(differences.tolist()),
                "smallest_p": smallest_sign_flip_p(interval.n),
            }
        )
    numbers = ["pairs", "first", "second", "difference", "low", "high", "p", "smallest_p"]
    table = pd.DataFrame(rows, columns=[*shared, *numbers])
    judged = with_verdicts(table, rope=rope, maximise=maximise, p="p").drop(columns="p_equivalent")
    return judged.astype({name: left[name].dtype for name in shared} | {"pairs": "int64"})


def _keyed(trials: pd.DataFrame, names: Sequence[str] | None = None) -> pd.DataFrame:
    """The trials with a column that is equal for trials of one configuration.

    Args:
        trials: `read_trials`.
        names: Hyperparameters that tell configurations apart; None: the configuration itself,
            and all hyperparameters where it has no id.
    """
    by_id = names is None
    chosen = hyperparameter_columns(trials.columns) if names is None else names
    texts = [_text(row) for row in trials[list(chosen)].astype(object).to_numpy()]
    key = pd.Series(texts, index=trials.index, dtype="string")
    if by_id:
        key = trials["config_id"].fillna(key)
    return trials.assign(**{_KEY: key})


def _text(values: np.ndarray[Any, Any]) -> str:
    """The values of one row as text; equal numbers give equal texts, whole or not."""
    plain = [
        None if value is pd.NA or value is None or value != value else value for value in values
    ]
    return json.dumps(
        [float(value) if type(value) is int and abs(value) < 2**53 else value for value in plain],
        sort_keys=True,
    )


def _of_best(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials of the configuration with the highest mean value."""
    keyed = _keyed(trials)
    winners = _keyed(best(trials))
    return keyed[keyed[_KEY].isin(winners[_KEY])].drop(columns=_KEY)


def _winners(
    table: pd.DataFrame, trials: pd.DataFrame, column: str, *, maximise: bool
) -> pd.DataFrame:
    """Of `over_seeds` the row of each study's chosen configuration.

    Trials without a seed, which dgsearch did not write, are repetitions of their configuration.
    """
    done = _keyed(finished(trials)).dropna(subset=[column])
    place = ["study", _KEY]
    done = done.assign(
        config_id=done[_KEY], seed=done["seed"].fillna(done.groupby(place).cumcount())
    )
    runs = done.groupby(place)["seed"].transform("nunique")
    several = (runs > 1).groupby(done["study"]).transform("any")
    chosen = chosen_configurations(
        done[(runs > 1) | ~several], by="study", value=column, maximise=maximise
    )
    wanted = chosen[["study", "config_id"]].set_axis(place, axis=1).astype({_KEY: "string"})
    kept = _keyed(table)
    return (
        kept[pd.MultiIndex.from_frame(kept[place]).isin(pd.MultiIndex.from_frame(wanted))]
        .drop(columns=_KEY)
        .reset_index(drop=True)
    )


def _accuracies(trials: pd.DataFrame, winners: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracies over seeds of each row's configuration."""
    columns = [name for name in trials.columns if name.startswith(ACCURACY)]
    means = _keyed(finished(trials)).groupby(["study", _KEY])[columns].mean()
    places = pd.MultiIndex.from_frame(_keyed(winners)[["study", _KEY]])
    return means.reindex(places).reset_index(drop=True)
