"""Paired comparison of configurations: the same seeds on both sides, differences per seed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import MEAN, finished_with_mean
from dgsearch.analysis.shared_seeds import balanced, best_column
from dgsearch.analysis.statistics import (
    best_p_values,
    detectable_difference,
    holm,
    mean_interval,
    sign_flip_p,
    smallest_sign_flip_p,
)

__all__ = ["LEVEL", "compare_columns", "compare_to_reference", "tied_with_best"]

LEVEL = 0.05
_NAN = float("nan")
_COMPARED = (
    "common", "difference", "difference_deviation", "low", "high", "p", "smallest_p",
    "detectable", "p_holm", "p_best",
)  # fmt: skip
_UNRANKED = dict.fromkeys(_COMPARED, _NAN) | {
    "pairs": 0, "ranked": False, "seeds": 0, "best": False, "tied": False, "elsewhere": True,
}  # fmt: skip


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
        One row a configuration in order of first trial: config_id, method, role, variant, and
        the columns of `compare_columns`.
    """
    named = ["config_id", "method", "role", "variant"]
    column = f"accuracy/{domain}"
    besides = [] if domain == MEAN else [column]
    done = finished_with_mean(trials, targets, ["seed", *named, *besides])
    wide = done.pivot_table(index="seed", columns="config_id", values=column, observed=True)
    configurations = done.drop_duplicates("config_id")[named]
    compared = compare_columns(wide, reference).rename(columns={"row": "config_id"})
    return configurations.merge(compared, on="config_id", how="inner").reset_index(drop=True)


def compare_columns(wide: pd.DataFrame, reference: Hashable) -> pd.DataFrame:
    """Each column of a table of seeds against one of them.

    Args:
        wide: One row a seed, one column a configuration (or variant, or value); NaN where a
            seed is missing.
        reference: The column to compare with.

    Returns:
        One row a column: row (its name), n, mean, deviation (of its own numbers), pairs,
        difference (mean), difference_deviation, low, high (95% t interval of the difference),
        p (exact sign-flip, two-sided), p_holm (adjusted for the number of rows compared),
        smallest_p (that so many pairs can reach), detectable (smallest true difference found
        with 80% power, for one comparison). The reference's own row has NaN from p on.
    """
    rows = []
    for name in wide.columns:
        own = mean_interval(wide[name].tolist())
        differences = (wide[name] - wide[reference]).dropna().tolist()
        paired = mean_interval(differences)
        itself = name == reference
        nan = float("nan")
        rows.append(
            {
                "row": name,
                "n": own.n,
                "mean": own.mean,
                "deviation": own.deviation,
                "pairs": paired.n,
                "difference": paired.mean,
                "difference_deviation": paired.deviation,
                "low": paired.low,
                "high": paired.high,
                "p": nan if itself else sign_flip_p(differences),
                "smallest_p": nan if itself else smallest_sign_flip_p(paired.n),
                "detectable": nan if itself else detectable_difference(paired.deviation, paired.n),
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=holm(frame["p"].tolist()))


def tied_with_best(wide: pd.DataFrame, *, maximise: bool = True) -> pd.DataFrame:
    """Which columns do not differ significantly from the best one, over their shared seeds.

    Args:
        wide: As for `compare_columns`.
        maximise: Whether a higher number is better.

    Returns:
        The columns of `compare_columns` against the best column, on the shared seeds
        (`shared_seeds.balanced`), one row a column of `wide`, in its order, and: ranked (whether
        it has a number at every shared seed), seeds (how many are shared), common (its mean over
        them), best, p_best (`best_p_values`), tied (ranked and p_best above 0.05), elsewhere
        (its own mean and n are over other seeds than the shared ones). A column that is not
        ranked is neither best nor tied, and has NaN for what compares it.
    """
    block = balanced(wide)
    own = [mean_interval(wide[name].tolist()) for name in wide.columns]
    table = pd.DataFrame(
        {
            "row": list(wide.columns),
            "n": [interval.n for interval in own],
            "mean": [interval.mean for interval in own],
            "deviation": [interval.deviation for interval in own],
        }
    )
    best = best_column(wide, maximise=maximise)
    if best is None:
        return table.assign(**_UNRANKED)
    compared = compare_columns(block, best).rename(columns={"mean": "common"})
    numbers = block.to_numpy(dtype=np.float64)
    compared["p_best"] = best_p_values(numbers if maximise else -numbers)
    compared = compared.drop(columns=["n", "deviation"]).assign(ranked=True)
    joined = table.merge(compared, on="row", how="left")
    joined["ranked"] = joined["ranked"].notna()
    is_best = joined["row"] == best
    return joined.assign(
        pairs=joined["pairs"].fillna(0).astype("int64"),
        seeds=len(block),
        best=is_best,
        tied=is_best | (joined["ranked"] & (joined["p_best"] > LEVEL)),
        elsewhere=~joined["ranked"] | (joined["n"] != len(block)),
    )
