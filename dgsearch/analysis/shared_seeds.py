"""Which groups may be ranked against each other, and at which seeds?

Seeds differ in difficulty, often by more than groups do, so a mean over other seeds is no rival:
where the trials of a group failed at hard seeds, its mean rises. Groups are therefore ranked on
the seeds that they share. A group that shares too few is shown and not ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["balanced", "balanced_trials", "best_column", "complete_crossing", "shared_trials"]

Booleans = np.ndarray[Any, np.dtype[np.bool_]]
Places = np.ndarray[Any, np.dtype[np.int64]]


def balanced(wide: pd.DataFrame) -> pd.DataFrame:
    """The seeds and groups of a table that can be compared without a gap.

    Groups are taken in order of how many seeds they have; of the blocks that arise so the one of
    the most numbers (groups x seeds) is returned, of equal ones that of more groups.

    Args:
        wide: One row a seed, one column a group; NaN where a seed is missing.

    Returns:
        Some of its rows and columns, in its order, none missing.
    """
    rows, columns = _block(wide.notna().to_numpy())
    return wide.loc[rows, columns]


def balanced_trials(trials: pd.DataFrame, column: str, *, by: str = "config_id") -> pd.DataFrame:
    """The trials whose groups share all their seeds: see `balanced`.

    Args:
        trials: Finished trials with a column `seed`.
        column: Numbers; a trial without one counts as missing.
        by: Column that names the group.
    """
    numbers = trials[column].notna().to_numpy()
    groups, group_names = pd.factorize(trials[by], sort=True)
    seeds, seed_names = pd.factorize(trials["seed"])
    there = numbers & (groups >= 0) & (seeds >= 0)
    known = np.zeros((len(seed_names), len(group_names)), dtype=bool)
    known[seeds[there], groups[there]] = True
    rows, columns = _block(known)
    chosen: pd.DataFrame = (
        trials[there & rows[seeds] & columns[groups]] if there.any() else trials[there]
    )
    return chosen


def shared_trials(trials: pd.DataFrame) -> tuple[pd.DataFrame, set[Any]]:
    """The trials over which means of groups can be compared, and the groups that cannot.

    Args:
        trials: Finished trials with columns `row`, which names the group, `seed` and
            `trial_number`.

    Returns:
        The trials of the groups that share seeds, at these; of a group that lacks one of them all
        trials, and which groups these are. Where no seed is known, all trials and no group.
    """
    block = balanced_trials(trials, "trial_number", by="row")
    if block.empty:
        return trials, set()
    apart = ~trials["row"].isin(block["row"])
    return trials[apart | trials.index.isin(block.index)], set(trials.loc[apart, "row"])


def _block(known: Booleans) -> tuple[Booleans, Booleans]:
    """`balanced` of a table of what is known, (seeds, groups): which seeds, which groups."""
    counts = known.sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    shared = np.logical_and.accumulate(known[:, order], axis=1)
    sizes = shared.sum(axis=0) * np.arange(1, len(order) + 1)
    columns = np.zeros(known.shape[1], dtype=bool)
    if not len(sizes) or not sizes.max():
        return np.zeros(len(known), dtype=bool), columns
    last = int(np.flatnonzero(sizes == sizes.max())[-1])
    columns[order[: last + 1]] = True
    return shared[:, last], columns


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
    keys = _codes(trials, values)
    place = _codes(trials, [*others, "seed"], missing=True)
    whole = keys >= 0
    pairs = np.unique(place[whole] * (keys.max(initial=0) + 1) + keys[whole])
    counts = np.bincount(pairs // (keys.max(initial=0) + 1), minlength=place.max(initial=0) + 1)
    full = counts[place] == len(np.unique(keys[whole]))
    chosen: pd.DataFrame = trials[full] if full.mean() >= 0.5 else trials
    return chosen


def _codes(trials: pd.DataFrame, columns: Sequence[str], *, missing: bool = False) -> Places:
    """A number for each combination of values; -1 where one is missing, unless that counts too."""
    found = np.zeros(len(trials), dtype=np.int64)
    absent = np.zeros(len(trials), dtype=bool)
    for name in columns:
        codes, values = pd.factorize(trials[name])
        absent |= codes < 0
        _, found = np.unique(found * (len(values) + 1) + codes + 1, return_inverse=True)
    return found if missing else np.where(absent, -1, found)
