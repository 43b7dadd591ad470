"""Several studies side by side, as far as they may be compared."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from dgsearch.analysis.statistics import mean_interval, sign_flip_p

__all__ = ["compare_studies"]


def compare_studies(
    chosen: Mapping[str, pd.DataFrame], data: Mapping[str, str], *, column: str
) -> pd.DataFrame:
    """Each study's rows, and their difference to the first study's where the data is the same.

    Args:
        chosen: For each study one row a trial: row, seed and the column; what a selection rule
            chose.
        data: For each study what it was trained and tested on, as text; equal where the
            numbers may be compared.
        column: What is compared.

    Returns:
        One row a study and row: study, row, n, mean, deviation, low, high, and against the first
        row of the first study: comparable, pairs (seeds of both), difference, difference_low,
        difference_high, p (NaN where nothing may be compared).
    """
    first = next(iter(chosen), "")
    reference = pd.Series(dtype="float64")
    if first and len(chosen[first]):
        lead = chosen[first]
        reference = lead[lead["row"] == lead["row"].iloc[0]].set_index("seed")[column]
    rows = []
    for study, frame in chosen.items():
        comparable = data[study] == data[first]
        for row, part in frame.groupby("row", sort=False):
            own = mean_interval(part[column].tolist())
            numbers = part.set_index("seed")[column]
            differences = (numbers - reference).dropna().tolist() if comparable else []
            paired = mean_interval(differences)
            rows.append(
                {
                    "study": study,
                    "row": row,
                    **own._asdict(),
                    "comparable": comparable,
                    "pairs": paired.n,
                    "difference": paired.mean,
                    "difference_low": paired.low,
                    "difference_high": paired.high,
                    "p": sign_flip_p(differences) if differences else float("nan"),
                }
            )
    return pd.DataFrame(rows)
