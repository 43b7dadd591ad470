"""Which groups may be ranked against each other, and at which seeds?

Seeds differ in difficulty, often by more than groups do, so a mean over other seeds is no rival:
where the trials of a group failed at hard seeds, its mean rises. Groups are therefore ranked on
the seeds that they share. A group that shares too few is shown and not ranked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["balanced", "balanced_trials", "best_column", "complete_crossing"]


def balanced(wide: pd.DataFrame) -> pd.DataFrame:
    """The seeds and groups of a table that can be compared without a gap.

    Groups are taken in order of how many seeds they have; of the blocks that arise so the one of
    the most numbers (groups x seeds) is returned, of equal ones that of more groups.

    Args:
        wide: One row a seed, one column a group; NaN where a seed is missing.

    Returns:
        Some of its rows and columns, in its order, none missing.
    """
    known = wide.notna()
    order = known.sum().sort_values(ascending=False, kind="stable").index
    shared = np.logical_and.accumulate(known[order].to_numpy(), axis=1)
    sizes = shared.sum(axis=0) * np.arange(1, len(order) + 1)
    if not len(sizes) or not sizes.max():
        return wide.iloc[:0]
    last = int(np.flatnonzero(sizes == sizes.max())[-1])
    chosen = set(order[: last + 1])
    columns = [name for name in wide.columns if name in chosen]
    return wide.loc[shared[:, last], columns]


def balanced_trials(trials: pd.DataFrame, column: str, *, by: str = "config_id") -> pd.DataFrame:
    """The trials whose groups share all their seeds: see `balanced`.

    Args:
        trials: Finished trials with a column `seed`.
        column: Numbers; a trial without one counts as missing.
        by: Column that names the group.
    """
    wide = trials.pivot_table(index="seed", columns=by, values=column, observed=True)
    block = balanced(wide)
    kept = trials[by].isin(block.columns) & trials["seed"].isin(block.index)
    chosen: pd.DataFrame = trials[kept & trials[column].notna()]
    return chosen


def best_column(wide: pd.DataFrame, *, maximise: bool = True) -> object | None:
    """The group of the best mean over the shared seeds; None where no number is there."""
    block = balanced(wide)
    if block.empty:
        return None
    means = block.mean()
    return means.idxmax() if maximise else means.idxmin()


def complete_crossing(
    trials: pd.DataFrame, values: Sequence[str], others: Sequence[str]
) -> pd.DataFrame:
    """The trials at settings of the others and seeds where every value was run.

    In a grid a trial that failed would leave its value with the mean over other settings. Where
    fewer than half of the trials lie on such complete settings (random points), all come back.

    Args:
        trials: Finished trials with a column `seed`.
        values: Columns whose values are compared, alone or as combinations.
        others: Columns of the other varied hyperparameters.
    """
    keys = trials.groupby([*values], observed=True).ngroup()
    place = trials.groupby([*others, "seed"], observed=True, dropna=False).ngroup()
    full = keys.groupby(place).transform("nunique") == keys.nunique()
    chosen: pd.DataFrame = trials[full] if full.mean() >= 0.5 else trials
    return chosen
