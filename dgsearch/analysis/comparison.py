"""Paired comparison of configurations: the same seeds on both sides, differences per seed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dgsearch.analysis.selection import MEAN, finished, with_target_mean
from dgsearch.analysis.statistics import mean_interval, sign_flip_p, smallest_sign_flip_p

__all__ = ["compare_to_reference"]


def compare_to_reference(
    trials: pd.DataFrame, *, reference: str, targets: Sequence[str], domain: str = MEAN
) -> pd.DataFrame:
    """Each configuration against one of them, paired over the seeds that both have.

    Args:
        trials: `read_trials` of one study.
        reference: config_id of the configuration to compare with.
        targets: Target domains.
        domain: Whose accuracy is compared; by default the mean of the targets.

    Returns:
        One row a configuration in order of first trial: config_id, method, role, n, mean,
        deviation (of its own accuracy), pairs, difference (mean, 0..1), difference_deviation,
        low, high (95% t interval of the difference), p (exact sign-flip, two-sided, not
        corrected), smallest_p (that so many pairs can reach).
    """
    done = with_target_mean(finished(trials), targets)
    column = f"accuracy/{domain}"
    wide = done.pivot_table(index="seed", columns="config_id", values=column, observed=True)
    rows = []
    for config_id, part in done.groupby("config_id", sort=False):
        own = mean_interval(part[column].tolist())
        differences = (wide[config_id] - wide[reference]).dropna().tolist()
        paired = mean_interval(differences)
        rows.append(
            {
                "config_id": config_id,
                "method": part["method"].iloc[0],
                "role": part["role"].iloc[0],
                "n": own.n,
                "mean": own.mean,
                "deviation": own.deviation,
                "pairs": paired.n,
                "difference": paired.mean,
                "difference_deviation": paired.deviation,
                "low": paired.low,
                "high": paired.high,
                "p": sign_flip_p(differences),
                "smallest_p": smallest_sign_flip_p(paired.n),
            }
        )
    return pd.DataFrame(rows)
