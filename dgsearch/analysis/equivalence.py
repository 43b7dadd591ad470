"""Is a difference better, worse, practically none, or open?

Within the region of practical equivalence (rope) a difference does not matter to anybody. Two
groups are called equivalent where two one-sided t tests reject a difference of at least the rope
on either side [Schuirmann87], better or worse where the test of no difference rejects, both after
Holm's correction over the comparisons. A difference that is shown and too small to matter is
called equivalent; its p tells that it is shown. All else is open: too few or too noisy seeds.

[Schuirmann87] is J. Pharmacokinet. Biopharm. 15 (1987).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import scipy

from dgsearch.analysis.comparison import LEVEL
from dgsearch.analysis.statistics import TIED, holm
from dgsearch.designs.decisions import BETTER, EQUIVALENT, LEAST_PAIRS, OPEN, WORSE

__all__ = ["equivalence_p", "equivalence_power", "with_verdicts"]

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def equivalence_p(compared: pd.DataFrame, *, rope: float) -> Numbers:
    """The larger p of the two one-sided t tests that a difference reaches beyond the rope.

    Args:
        compared: With pairs, difference, low and high (95% t interval), paired over seeds; of
            groups that are not paired, pairs is the size of the smaller one, and freedom the
            degrees of freedom of the interval.
        rope: Differences within plus and minus this count as none, > 0.

    Returns:
        (rows,); NaN for fewer than three pairs, and where all differences are equal: such ties
        are of discrete accuracies, and no sign of certainty.
    """
    pairs = compared["pairs"].to_numpy(dtype=np.float64)
    freedom = np.maximum(compared.get("freedom", pairs - 1), 1)
    half = (compared["high"] - compared["low"]).to_numpy(dtype=np.float64) / 2
    error = half / scipy.special.stdtrit(freedom, 0.975)
    difference = compared["difference"].to_numpy(dtype=np.float64)
    usable = (pairs >= LEAST_PAIRS) & (error > TIED)
    beyond = (np.abs(difference) - rope) / np.where(usable, error, 1.0)
    return np.where(usable, scipy.special.stdtr(freedom, beyond), math.nan)


def with_verdicts(
    compared: pd.DataFrame, *, rope: float | None, maximise: bool = True, p: str = "p_holm"
) -> pd.DataFrame:
    """The comparisons with a verdict each.

    Args:
        compared: As for `equivalence_p`, with a column of p values against "no difference" that
            are corrected already, if they shall be; rows without p are the reference.
        rope: None: nothing is called equivalent.
        maximise: Whether a higher value is better.
        p: Name of that column.

    Returns:
        Two columns more: p_equivalent (Holm's correction of `equivalence_p`; NaN without a
        rope) and verdict ("better", "worse", "equivalent" or "open"; empty for the reference).
    """
    known = compared[p].notna().to_numpy()
    alike = np.full(len(compared), math.nan)
    if rope is not None:
        own = np.where(known, equivalence_p(compared, rope=rope), math.nan)
        alike = np.array(holm(own.tolist()), dtype=np.float64)
    apart = compared[p].to_numpy(dtype=np.float64) <= LEVEL
    apart &= ~((compared["low"] <= 0) & (compared["high"] >= 0)).to_numpy()
    above = (compared["difference"] > 0).to_numpy() == maximise
    verdict = np.select(
        [~known, alike <= LEVEL, apart & above, apart], ["", EQUIVALENT, BETTER, WORSE], OPEN
    )
    return compared.assign(p_equivalent=alike, verdict=verdict)


def equivalence_power(deviation: float, pairs: int, *, rope: float) -> float:
    """How often equal groups are called equivalent, by one test at 5%.

    Args:
        deviation: Of the paired differences, which are taken as normal.
        pairs: Seeds.
        rope: Differences within plus and minus this count as none.

    Returns:
        In 0..1; 0 for fewer than three pairs, NaN without a deviation.
    """
    if math.isnan(deviation):
        return math.nan
    if pairs < LEAST_PAIRS:
        return 0.0
    if deviation == 0:
        return 1.0
    freedom = pairs - 1
    shares = (np.arange(4000) + 0.5) / 4000  # the sample's deviation, over its distribution
    found = deviation * np.sqrt(2 * scipy.special.gammaincinv(freedom / 2, shares) / freedom)
    room = rope - scipy.special.stdtrit(freedom, 1 - LEVEL) * found / math.sqrt(pairs)
    inside = scipy.special.ndtr(np.maximum(room, 0) * math.sqrt(pairs) / deviation)
    return float((2 * inside - 1).mean())
