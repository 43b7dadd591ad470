"""The ablation path: from the default to the best configuration, one change at a time.

After Fawcett and Hoos (2016): of the changes that are left, the one that helps most comes next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.surrogate import Surrogate

__all__ = ["ablation_path"]


def ablation_path(
    table: pd.DataFrame,
    *,
    start: Mapping[str, Any],
    end: Mapping[str, Any],
    surrogate: Surrogate | None,
    maximise: bool = True,
) -> pd.DataFrame:
    """Each step of the way from one configuration to another.

    A step is measured where trials of that configuration finished; else the surrogate
    predicts it, and without one the step is left open.

    Args:
        table: One row a configuration: its hyperparameters and `outcome` (mean over seeds).
        start: Values of the first configuration, by hyperparameter.
        end: Values of the last one.
        surrogate: For configurations that are not in the table.
        maximise: Whether a higher outcome is better.

    Returns:
        One row a configuration on the way: step (0 is the start), name (of the hyperparameter
        changed; empty at the start), before, after (its values), outcome, source ("trials",
        "surrogate" or "unknown").
    """
    current = dict(start)
    left = [name for name in end if end[name] != start[name]]
    ((outcome, source),) = _outcomes(table, [current], surrogate)
    rows = [_row(0, "", None, None, outcome, source)]
    while left:
        candidates = []
        changed = [{**current, name: end[name]} for name in left]
        for name, (reached, origin) in zip(
            left, _outcomes(table, changed, surrogate), strict=True
        ):
            rank = (reached if maximise else -reached) if reached == reached else float("-inf")
            candidates.append((rank, name, reached, origin))
        _, name, reached, origin = max(candidates, key=lambda item: item[0])
        rows.append(_row(len(rows), name, current[name], end[name], reached, origin))
        current[name] = end[name]
        left.remove(name)
    return pd.DataFrame(rows)


def _row(
    step: int, name: str, before: Any, after: Any, outcome: float, source: str
) -> dict[str, Any]:
    return {
        "step": step,
        "name": name,
        "before": before,
        "after": after,
        "outcome": outcome,
        "source": source,
    }


def _outcomes(
    table: pd.DataFrame, wanted: Sequence[Mapping[str, Any]], surrogate: Surrogate | None
) -> list[tuple[float, str]]:
    """The outcome of each configuration and where it comes from; predicted ones together."""
    known = [_measured(table, values) for values in wanted]
    missing = [dict(values) for values, own in zip(wanted, known, strict=True) if own is None]
    if surrogate is None or not missing:
        return [(math.nan, "unknown") if own is None else (own, "trials") for own in known]
    predicted = iter(surrogate.predict(pd.DataFrame(missing)))
    return [(next(predicted), "surrogate") if own is None else (own, "trials") for own in known]


def _measured(table: pd.DataFrame, values: Mapping[str, Any]) -> float | None:
    """The mean outcome of the trials of a configuration; None where there are none."""
    rows = table
    for name, value in values.items():
        rows = rows[rows[name] == value]
    return float(rows["outcome"].mean()) if len(rows) else None
