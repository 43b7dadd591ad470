"""Numbers that the papers, or digests of them, report; nothing else is called reported.

Papers average over different things: one source domain against the others, or every domain as
the source in turn. A number's *protocol* is the source domains over which it is averaged.
Numbers of different protocols are not comparable and never share a column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

__all__ = ["protocol_words", "reported_differences", "reported_numbers", "reported_table"]

_COLUMNS = [
    "method", "benchmark", "source", "protocol", "target", "metric", "value", "spread", "variant",
]  # fmt: skip
_PLACE = ["benchmark", "protocol", "target", "metric"]  # what comparable numbers agree on


def protocol_words(sources: Sequence[str]) -> str:
    """A protocol in words.

    Args:
        sources: The source domains over which a number is averaged, each trained on alone.

    Returns:
        "photo", or "mean over art, cartoon and photo" whatever their order.
    """
    if len(sources) == 1:
        return sources[0]
    *others, last = sorted(sources)
    return f"mean over {', '.join(others)} and {last}"


def reported_numbers() -> pd.DataFrame:
    """Everything that is reported.

    Returns:
        One row a number: method, benchmark, source, protocol (`protocol_words`), target, metric
        ("accuracy", "accuracy_top5"), value (0..1), spread (missing where none is given),
        variant ("full", or what was left out).
    """
    text = (Path(__file__).parent / "reference.json").read_text(encoding="utf-8")
    entries = json.loads(text)["entries"]
    for entry in entries:
        entry["protocol"] = protocol_words(entry["protocol"])
    return pd.DataFrame(entries).reindex(columns=_COLUMNS)


def reported_table(benchmark: str, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """What is reported on a benchmark, with a column for each protocol, target and metric.

    Args:
        benchmark: Name of a benchmark.
        numbers: As of `reported_numbers`, which is the default.

    Returns:
        Rows by method and variant (an index of two levels), columns by protocol, target and
        metric (three levels); values 0..1, NaN where nothing is reported.

    Raises:
        ValueError: If two numbers have the same place.
    """
    known = reported_numbers() if numbers is None else numbers
    own = known[known["benchmark"] == benchmark].assign(
        variant=lambda frame: frame["variant"].fillna("full")
    )
    keys = ["method", "variant", "protocol", "target", "metric"]
    twice = own[own.duplicated(keys)]
    if len(twice):
        raise ValueError(f"reported twice: {twice[keys].iloc[0].to_dict()}")
    indexed = own.set_index(keys)["value"].astype("float64")
    rows, columns = (
        pd.MultiIndex.from_frame(own[part].drop_duplicates()) for part in (keys[:2], keys[2:])
    )
    # unsorted, pandas 2.2.2 puts values under columns that they do not belong to
    return indexed.unstack(keys[2:]).loc[rows, columns]


def reported_differences(method: str) -> pd.DataFrame:
    """What the paper's ablation of a method reports, against its own full method.

    Args:
        method: Name of a method.

    Returns:
        One row a variant: variant, benchmark, source, value, difference (0..1).
    """
    numbers = reported_numbers()
    own = numbers[numbers["method"] == method]
    full = own[own["variant"] == "full"][[*_PLACE, "value"]].rename(columns={"value": "full"})
    joined = own[own["variant"] != "full"].merge(full, on=_PLACE, how="inner")
    joined = joined.assign(difference=joined["value"] - joined["full"])
    return joined[["variant", "benchmark", "source", "value", "difference"]].reset_index(drop=True)
