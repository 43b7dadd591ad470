"""The table of the field: rows are methods or variants, columns targets and their average."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.comparison import tied_with_best
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.statistics import intervals_by

__all__ = ["domain_table"]

_RANKING = ("best", "tied", "ranked", "elsewhere", "seeds")


def domain_table(
    chosen: pd.DataFrame, *, targets: Sequence[str], maximise: bool = True
) -> pd.DataFrame:
    """Mean and standard error on every target, and which rows are best within noise.

    Args:
        chosen: One row a trial: row, seed, one column a target, "mean of targets" (0..1);
            one trial a row and seed.
        targets: Target domains.
        maximise: Whether a higher number is better.

    Returns:
        One row a row and domain, in the order given: row, domain, n, mean, deviation,
        standard_error, low, high, and from `tied_with_best` on the seeds that the rows share:
        best, tied (the best of its column, or not told from it: a row that is truly the best is
        left out in at most 5% of studies), ranked, elsewhere (the mean is over other seeds than
        those of the ranking), seeds (of the ranking).
    """
    parts = []
    for domain in [*targets, MEAN]:
        summary = intervals_by(chosen, ["row"], domain)
        wide = chosen.pivot_table(index="seed", columns="row", values=domain, observed=True)
        ranked = tied_with_best(wide, maximise=maximise)[["row", *_RANKING]]
        error = summary["deviation"] / summary["n"] ** 0.5
        part = summary.assign(domain=domain, standard_error=error)
        parts.append(part.merge(ranked, on="row", how="left"))
    table = pd.concat(parts, ignore_index=True)
    order = ["row", "domain", "n", "mean", "deviation", "standard_error", "low", "high"]
    return table[[*order, *_RANKING]]
