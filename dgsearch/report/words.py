"""Numbers and names as the page writes them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dgsearch.database.facts import StudyFacts

__all__ = [
    "epoch_rule",
    "given",
    "interval_text",
    "label",
    "points_text",
    "range_text",
    "records",
    "short",
    "signed",
]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as mappings from column to value."""
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def epoch_rule(facts: StudyFacts) -> str:
    """Which epoch's numbers count."""
    last = facts.spec.get("selection", "last") == "last"
    return "last epoch" if last else "epoch of the best source validation accuracy"


def label(facts: StudyFacts, name: str) -> str:
    """How a hyperparameter is written: its symbol, or its name."""
    described = facts.describe(name)
    return described.label if described else name


def given(value: Any) -> bool:
    """Whether there is a value at all."""
    return value is not None and not pd.isna(value)


def short(value: Any) -> str:
    """A value as short as it can be read."""
    if not given(value):
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def points_text(value: float) -> str:
    """An accuracy in per cent."""
    return f"{value * 100:.1f}" if given(value) else "–"


def signed(value: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{value * 100:+.1f}" if given(value) else "–"


def range_text(low: float, high: float) -> str:
    """Two accuracies in per cent."""
    return f"{points_text(low)} to {points_text(high)}" if given(low) else "–"


def interval_text(row: dict[str, Any]) -> str:
    """The interval of a difference in percentage points."""
    return f"{signed(row['low'])} to {signed(row['high'])}" if given(row["low"]) else "–"
