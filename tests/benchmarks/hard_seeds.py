"""Trials fail because their seed is hard: is anything called better or worse that is not?

Prints how often the page's procedures say so in 1,000 simulated studies. Seeds differ by 5
points, repeats by 1; trials of the third and fourth group fail at hard seeds. Without effects any
"better" or "worse" is wrong; with effects (the fourth group is 1 point worse) one of the wrong
sign is, or a best group that is told from the best. Beside them stands what means over whatever
seeds are there would say.

    python -m tests.benchmarks.hard_seeds [--studies 1000]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from dgsearch.analysis.comparison import LEVEL, compare_columns, tied_with_best
from dgsearch.analysis.statistics import mean_interval

OF_SEED, OF_TRIAL = 0.05, 0.01
FRAGILE = (2, 3)  # groups whose trials fail at hard seeds
GROUPS = 4


def study(random: np.random.Generator, seeds: int, effects: np.ndarray) -> pd.DataFrame:
    """Accuracies by seed and group, NaN where the trial failed."""
    level = random.normal(0, OF_SEED, seeds)
    table = 0.6 + level[:, None] + effects + random.normal(0, OF_TRIAL, (seeds, GROUPS))
    chance = 1 / (1 + np.exp((level / OF_SEED + 0.5) * 4))  # near 1 for the hardest third
    failed = random.random((seeds, GROUPS)) < chance[:, None]
    for group in FRAGILE:
        table[failed[:, group], group] = np.nan
    return pd.DataFrame(table)


def wrong_statements(table: pd.DataFrame, effects: np.ndarray) -> tuple[bool, bool, bool]:
    """Whether this study says anything wrong: against the reference, of the best, by plain means.

    Args:
        table: From `study`; the first group is the reference.
        effects: (groups,) The truth.
    """
    compared = compare_columns(table, 0).iloc[1:]
    told = compared[compared["p_holm"] <= LEVEL]
    truth = effects[told["row"].astype(int)] - effects[0]
    against = bool((told["difference"] * truth <= 0).any())
    ranked = tied_with_best(table)
    best = ranked[ranked["row"].isin(np.flatnonzero(effects == effects.max()))].iloc[0]
    excluded = bool(best["ranked"] and not best["tied"])
    own = [mean_interval(table[group].tolist()) for group in table]
    plain = own[3].low > own[0].mean  # the fourth lies above the reference, beyond its interval
    return against, excluded, bool(plain)


def rates(studies: int, seeds: int, effect: float) -> np.ndarray:
    """Shares of studies that say something wrong, (three procedures,)."""
    random = np.random.default_rng(0)
    effects = np.array([0.0, 0.0, 0.0, effect])
    found = [wrong_statements(study(random, seeds, effects), effects) for _ in range(studies)]
    shares: np.ndarray = np.mean(found, axis=0)
    return shares


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    print("seeds  effect  wrong against reference  best told from best  plain means wrong")
    for seeds in (6, 8, 12):
        for effect in (0.0, -0.01):
            against, excluded, plain = rates(studies, seeds, effect)
            print(f"{seeds:5}  {effect:6}  {against:23.3f}  {excluded:19.3f}  {plain:17.3f}")


if __name__ == "__main__":
    main()
