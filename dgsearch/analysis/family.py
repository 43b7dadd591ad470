"""Methods at an equal tuning budget: how they compare, each at the configuration that counts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.chosen import chosen_configurations
from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.selection import MEAN, finished

__all__ = ["family_table"]


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
