"""Which configuration counts: the one rule by which pages and notebooks choose.

Among the configurations of a group the one of the best mean is chosen, over the seeds that they
share (`shared_seeds.balanced`). By default the mean is that of `value`, which is measured on the
selection split, so that no number of a target domain takes part.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.selection import MEAN, finished
from dgsearch.analysis.shared_seeds import balanced_trials

__all__ = ["chosen_configurations", "family_table"]


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


def family_table(
    trials: pd.DataFrame,
    *,
    reference: str,
    targets: Sequence[str],
    domain: str = MEAN,
    maximise: bool = True,
) -> pd.DataFrame:
    """Every method at its chosen configuration, against one of them.

    Args:
        trials: `read_trials` of one study, several methods in it.
        reference: The method to compare with.
        targets: Target domains.
        domain: Whose accuracy is compared; by default the mean of the targets.
        maximise: Whether a higher value is better.

    Returns:
        One row a method in order of first trial: method, config_id, configurations, value (mean
        on the selection split), n, mean, deviation, standard_error, pairs, difference,
        difference_deviation, low, high, p, p_holm, smallest_p, detectable, as in
        `compare_columns`. Empty where the reference has no finished trial.
    """
    chosen = chosen_configurations(finished(trials), maximise=maximise)
    own = chosen.loc[chosen["method"] == reference, "config_id"]
    if own.empty:
        return pd.DataFrame()
    kept = trials[trials["config_id"].isin(chosen["config_id"])]
    compared = compare_to_reference(
        kept, reference=str(own.iloc[0]), targets=targets, domain=domain
    )
    table = chosen.merge(compared.drop(columns=["method"]), on="config_id", how="inner")
    error = table["deviation"] / table["n"] ** 0.5
    table.insert(list(table.columns).index("deviation") + 1, "standard_error", error)
    return table.drop(columns=["seeds", "role", "variant"])
