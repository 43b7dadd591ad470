"""Known ways in which a method goes wrong, looked for in the numbers that trials reported.

Each check compares one number with a bound that is a choice; the page shows both, so that a
reader can disagree. The methods declare the checks (`dgsearch.diagnostics`).
"""

from __future__ import annotations

import pandas as pd

from dgsearch.analysis.selection import MEAN, finished
from dgsearch.diagnostics.declaring import ACCURACY, FailureCheck
from dgsearch.diagnostics.known import KnownDiagnostics

__all__ = ["failure_checks", "out_of_bounds"]

_ACCURACY = f"accuracy/{MEAN}"


def failure_checks(
    trials: pd.DataFrame, last: pd.DataFrame, known: KnownDiagnostics
) -> pd.DataFrame:
    """Every check that the data allows, group by group.

    Args:
        trials: Finished and other trials with columns `row` and "accuracy/mean of targets".
        last: `last_diagnostics`.
        known: Declares the checks.

    Returns:
        One row for each check and group: check, row, n (trials), number, bound, seen.
    """
    named = {_column(name) for of, check in known.checks() for name in _names(of, check)}
    own = [name for name in trials if name in named]
    reported = [name for name in last if name in named and name not in own]
    done = finished(trials, ["row", "config_id", "trial_number", *own])
    done = done.join(last[reported], on="trial_number")
    order = done["row"].unique()
    found = []
    for of, check in known.checks():
        needs = [_column(name) for name in _names(of, check)]
        if not set(needs) <= set(done.columns):
            continue
        complete = done.dropna(subset=needs)
        counts = complete["row"].value_counts()
        numbers = _numbers(complete, of, check).dropna()  # a deviation over one seed, n / 0
        for row in order:
            if row not in numbers.index:
                continue
            number = float(numbers[row])
            seen = number > check.bound if check.above else number < check.bound
            found.append(
                {
                    "check": check.name,
                    "row": row,
                    "n": int(counts[row]),
                    "number": number,
                    "bound": check.bound,
                    "seen": seen,
                }
            )
    return pd.DataFrame(found, columns=["check", "row", "n", "number", "bound", "seen"])


def out_of_bounds(last: pd.DataFrame, known: KnownDiagnostics) -> pd.DataFrame:
    """Diagnostics that lie where their declaration says that they cannot.

    Args:
        last: `last_diagnostics`.
        known: Declares the bounds.

    Returns:
        One row a diagnostic: metric, trials (how many), worst (the value that is furthest out).
    """
    found = []
    for metric in last.columns:
        declared = known.find(str(metric))
        values = [float(value) for value in last[metric].dropna()]
        outside = [value for value in values if declared and not declared.allows(value)]
        if outside:
            found.append(
                {"metric": metric, "trials": len(outside), "worst": max(outside, key=abs)}
            )
    return pd.DataFrame(found, columns=["metric", "trials", "worst"])


def _names(of: str, check: FailureCheck) -> list[str]:
    """What a check looks at."""
    return [name for name in (of, check.less, check.over) if name]


def _column(name: str) -> str:
    return _ACCURACY if name == ACCURACY else name


def _numbers(complete: pd.DataFrame, of: str, check: FailureCheck) -> pd.Series[float]:
    """What a check compares, by the row of the trials."""
    values = complete[_column(of)]
    if check.less:
        values = values - complete[_column(check.less)]
    if check.over:
        values = values / complete[_column(check.over)]
    rows = complete["row"]
    if check.over_seeds:
        deviations = values.groupby([rows, complete["config_id"]], sort=False).std()
        return deviations.groupby(level="row", sort=False).mean()
    return values.groupby(rows, sort=False).mean()
