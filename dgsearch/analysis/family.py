"""Methods at an equal tuning budget: which configuration of each counts, and how they compare.

A configuration is chosen by its mean over the seeds on the selection split; no number of a target
domain takes part.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.selection import MEAN, finished
from dgsearch.analysis.shared_seeds import balanced_trials

__all__ = ["chosen_configurations", "family_table"]


def chosen_configurations(trials: pd.DataFrame, *, maximise: bool = True) -> pd.DataFrame:
    """The configuration of each method with the best mean value over the seeds.

    Means are over the seeds that the method's configurations share (`shared_seeds.balanced`); a
    configuration that lacks one of them is not chosen. Of equal ones the first that was run.

    Args:
        trials: `read_trials` of one study; uses state, method, config_id, seed and value (on the
            selection split).
        maximise: Whether a higher value is better.

    Returns:
        One row a method in order of first trial: method, config_id, value (the mean), seeds
        (shared), configurations (that have all of these: what it was chosen from).
    """
    done = finished(trials).dropna(subset=["value"])
    rows = []
    for method, own in done.groupby("method", sort=False, observed=True):
        shared = balanced_trials(own, "value")
        scored = shared.groupby("config_id", sort=False, observed=True)["value"].mean()
        best = str(scored.idxmax() if maximise else scored.idxmin())
        value = float(scored.max() if maximise else scored.min())
        rows.append((method, best, value, shared["seed"].nunique(), len(scored)))
    columns = ["method", "config_id", "value", "seeds", "configurations"]
    return pd.DataFrame(rows, columns=columns)


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
    chosen = chosen_configurations(trials, maximise=maximise)
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
