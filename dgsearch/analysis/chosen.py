"""Which configuration counts: the one rule by which pages and notebooks choose.

Among the configurations of a group the one of the best mean is chosen, over the seeds that they
share (`shared_seeds.balanced`). By default the mean is that of `value`, which is measured on the
selection split, so that no number of a target domain takes part.
"""

from __future__ import annotations

import pandas as pd

from dgsearch.analysis.shared_seeds import balanced_trials

__all__ = ["chosen_configurations"]


def chosen_configurations(
    done: pd.DataFrame, *, by: str = "method", value: str = "value", maximise: bool = True
) -> pd.DataFrame:
    """The configuration of each group with the best mean over the seeds.

    A configuration that lacks one of the shared seeds is not chosen. Of equal ones the first
    that was run is.

    Args:
        done: Finished trials that one may choose among; uses `by`, config_id, seed and `value`.
        by: Column of the groups; each has a choice of its own.
        value: Column by which it is chosen.
        maximise: Whether a higher value is better.

    Returns:
        One row a group in order of first trial: `by`, config_id, value (the mean), seeds
        (shared), configurations (that have all of these: what it was chosen from).
    """
    rows = []
    for group, own in done.dropna(subset=[value]).groupby(by, sort=False, observed=True):
        shared = balanced_trials(own, value)
        means = shared.groupby("config_id", sort=False, observed=True)[value].mean()
        if means.empty:
            continue  # no trial has a seed
        best = str(means.idxmax() if maximise else means.idxmin())
        rows.append((group, best, float(means[best]), shared["seed"].nunique(), len(means)))
    return pd.DataFrame(rows, columns=[by, "config_id", "value", "seeds", "configurations"])
