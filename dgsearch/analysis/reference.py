"""Numbers that the papers, or digests of them, report; nothing else is called reported."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

__all__ = ["reported_differences", "reported_numbers"]

_COLUMNS = ["method", "benchmark", "source", "target", "metric", "value", "spread", "variant"]


def reported_numbers() -> pd.DataFrame:
    """Everything that is reported.

    Returns:
        One row a number: method, benchmark, source, target, metric ("accuracy",
        "accuracy_top5"), value (0..1), spread (missing where none is given), variant ("full",
        or what was left out).
    """
    text = (Path(__file__).parent / "reference.json").read_text(encoding="utf-8")
    return pd.DataFrame(json.loads(text)["entries"]).reindex(columns=_COLUMNS)


def reported_differences(method: str) -> pd.DataFrame:
    """What the paper's ablation of a method reports, against its own full method.

    Args:
        method: Name of a method.

    Returns:
        One row a variant: variant, benchmark, source, value, difference (0..1).
    """
    numbers = reported_numbers()
    own = numbers[numbers["method"] == method]
    place = ["benchmark", "source", "target", "metric"]
    full = own[own["variant"] == "full"][[*place, "value"]].rename(columns={"value": "full"})
    joined = own[own["variant"] != "full"].merge(full, on=place, how="inner")
    joined = joined.assign(difference=joined["value"] - joined["full"])
    return joined[["variant", "benchmark", "source", "value", "difference"]].reset_index(drop=True)
