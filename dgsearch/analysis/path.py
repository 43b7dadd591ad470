"""The ablation path: from the default to the best configuration, one change at a time.

After Fawcett and Hoos (2016): of the changes that are left, the one that helps most comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    outcome, source = _outcome(table, current, surrogate)
    rows = [_row(0, "", None, None, outcome, source)]
    while left:
        candidates = []
        for name in left:
            reached, origin = _outcome(table, {**current, name: end[name]}, surrogate)
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


def _outcome(
    table: pd.DataFrame, values: Mapping[str, Any], surrogate: Surrogate | None
) -> tuple[float, str]:
    """The outcome of a configuration and where it comes from."""
    rows = table
    for name, value in values.items():
        rows = rows[rows[name] == value]
    if len(rows):
        return float(rows["outcome"].mean()), "trials"
    if surrogate is None:
        return float("nan"), "unknown"
    return surrogate.predict(pd.DataFrame([dict(values)]))[0], "surrogate"
