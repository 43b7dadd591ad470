"""Which rule chooses well without the targets? Regret and rank correlation, paired over seeds.

Reads what `selection_trials.py` wrote. The candidates of a seed are all its methods, variants and
learning rates. Prints for each source and rule the mean regret to the oracle in points and
Spearman's correlation with the mean of targets, with 95% t intervals over seeds, the paired
differences of both to validation, and the ratio of the mean regrets. Beside "augmented", the rule
of `selection = "augmented"`, stand those that were tried:

- own families: each trial by the families that its method does not train with, as they are;
- common families: all trials by the families that no method trains with;
- all families: each trial by all of them, what its method trains with too;
- logits, standardised, ranks: as "augmented", but the additive model is fitted to logits of the
  accuracies, to accuracies divided by their deviation under each family, or to ranks under it.

    python -m tests.benchmarks.selection_rules build/selection.jsonl [--within mpbm]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from dgsearch.analysis.augmented import augmented_values, judgings
from dgsearch.analysis.statistics import mean_interval, rank_correlation
from dgsearch.study.families import AUGMENTED, FAMILIES, judging_families

IMAGES = 96  # under each family
SAME = 1e-9  # scores are equal but for rounding
PLAIN = ("validation", AUGMENTED, "own families", "common families", "all families")
Numbers = np.ndarray[Any, np.dtype[np.float64]]


def _logits(accuracies: Numbers) -> Numbers:
    right = accuracies * IMAGES
    return np.log((right + 0.5) / (IMAGES - right + 0.5))


MODELS: dict[str, Callable[[Numbers], Numbers]] = {  # of the accuracies under one family
    "logits": _logits,
    "standardised": lambda accuracies: accuracies / accuracies.std(),
    "ranks": lambda accuracies: rankdata(accuracies) / len(accuracies),
}
RULES = (*PLAIN[:1], "last epoch", *PLAIN[1:], *MODELS)


def common_families(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Those that no method trains with."""
    out = {name for row in rows for name in row["trained_with"]}
    return [name for name in FAMILIES if name not in out]


def epochs_of(row: dict[str, Any], counted: Sequence[str]) -> pd.DataFrame:
    """One row an epoch: what it is worth by each plain rule but the product's, and target."""
    scores = pd.DataFrame(row["scores"], columns=["epoch", "split", "domain", "value"])
    wide = scores.pivot_table(index="epoch", columns=["split", "domain"], values="value")
    under = wide["augmented"]
    own = [name for name in FAMILIES if name not in row["trained_with"]]
    return pd.DataFrame(
        {
            "validation": wide["validation"].mean(axis=1),
            "own families": under[own].mean(axis=1),
            "common families": under[list(counted)].mean(axis=1),
            "all families": under[list(FAMILIES)].mean(axis=1),
            "target": wide["test"].mean(axis=1),
        }
    )


def by_the_product(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """What each trial of a source is worth by `selection = "augmented"`, epoch by epoch."""
    trials = pd.DataFrame(
        [
            ("rules", place, row["variant"], f"{row['variant']} {row['lr']}", row["seed"])
            for place, row in enumerate(rows)
        ],
        columns=["study", "trial_number", "method", "config_id", "seed"],
    ).assign(state="COMPLETE")
    scores = pd.DataFrame(
        [
            (place, *score, "accuracy")
            for place, row in enumerate(rows)
            for score in row["scores"]
            if score[1] == AUGMENTED
        ],
        columns=["trial_number", "epoch", "split", "domain", "value", "metric"],
    )
    families = judging_families({row["variant"]: row["trained_with"] for row in rows})
    (judging,) = judgings([(trials, scores, families)])
    found = augmented_values(scores, judging).set_index(["trial_number", "epoch"])[AUGMENTED]
    return [found.xs(place, level="trial_number") for place in range(len(rows))]


def modelled(
    rows: Sequence[dict[str, Any]], epochs: Sequence[int], change: Callable[[Numbers], Numbers]
) -> list[float]:
    """The levels of the trials of a seed in a model of trial plus family, after some epochs."""
    table = np.full((len(rows), len(FAMILIES)), np.nan)
    for place, (row, at) in enumerate(zip(rows, epochs, strict=True)):
        for epoch, split, domain, value in row["scores"]:
            if epoch == at and split == AUGMENTED and domain not in row["trained_with"]:
                table[place, list(FAMILIES).index(domain)] = value
    for column in table.T:
        known = ~np.isnan(column)
        column[known] = change(column[known]) if known.any() else column[known]
    trials, families = np.nonzero(~np.isnan(table))
    design = np.zeros((len(trials), sum(table.shape)))
    design[np.arange(len(trials)), trials] = 1
    design[np.arange(len(trials)), len(rows) + families] = 1
    found = np.linalg.lstsq(design, table[trials, families], rcond=None)[0]
    return [float(level) for level in found[: len(rows)]]


def costs_of(
    rows: Sequence[dict[str, Any]], parts: Sequence[pd.DataFrame]
) -> list[tuple[str, float, float]]:
    """Rule, regret and rank correlation at one seed; `parts` has the epochs of each trial."""
    best = max(float(part["target"].max()) for part in parts)
    lasts = [part.iloc[-1] for part in parts]
    own = [int(part["own families"].idxmax()) for part in parts]
    at_own = [float(part.loc[at, "target"]) for part, at in zip(parts, own, strict=True)]
    found = {name: (modelled(rows, own, change), at_own) for name, change in MODELS.items()}
    found["last epoch"] = (
        [float(last["validation"]) for last in lasts],
        [float(last["target"]) for last in lasts],
    )
    for rule in PLAIN:
        at = [part.loc[part[rule].idxmax()] for part in parts]
        found[rule] = ([float(one[rule]) for one in at], [float(one["target"]) for one in at])
    costs = []
    for rule in RULES:
        scores, targets = found[rule]
        alike = np.array(scores) >= max(scores) - SAME
        chosen = np.mean(np.array(targets)[alike])
        costs.append((rule, best - float(chosen), rank_correlation(scores, targets).rho))
    return costs


def print_source(source: str, seeds: dict[int, list[dict[str, Any]]]) -> None:
    """One line a rule."""
    rows = [row for own in seeds.values() for row in own]
    counted = common_families(rows)
    parts = [
        epochs_of(row, counted).assign(**{AUGMENTED: worth})
        for row, worth in zip(rows, by_the_product(rows), strict=True)
    ]
    print(
        f"source {source}: {len(seeds)} seeds, {len(rows) // len(seeds)} candidates at each; no "
        f"method trains with {', '.join(counted)}"
    )
    long = []
    for seed in sorted(seeds):
        at = [place for place, row in enumerate(rows) if row["seed"] == seed]
        costs = costs_of([rows[place] for place in at], [parts[place] for place in at])
        long += [(seed, *cost) for cost in costs]
    table = pd.DataFrame(long, columns=["seed", "rule", "regret", "rho"])
    regrets = table.pivot_table(index="seed", columns="rule", values="regret") * 100
    rhos = table.pivot_table(index="seed", columns="rule", values="rho")
    for rule in RULES:
        regret, rho = (mean_interval(frame[rule].tolist()) for frame in (regrets, rhos))
        line = (
            f"  {rule:<16} regret {regret.mean:5.1f} points ({regret.low:.1f} to "
            f"{regret.high:.1f}), Spearman {rho.mean:.2f} ({rho.low:.2f} to {rho.high:.2f})"
        )
        if rule != "validation":
            less = mean_interval((regrets[rule] - regrets["validation"]).tolist())
            ratio = regret.mean / regrets["validation"].mean()
            line += f"; less validation's {less.mean:+.1f} ({less.low:+.1f} to {less.high:+.1f})"
            more = mean_interval((rhos[rule] - rhos["validation"]).tolist())
            line += f", ratio {ratio:.2f}; Spearman more by {more.mean:+.2f} "
            line += f"({more.low:+.2f} to {more.high:+.2f})"
        print(line)


def main() -> None:
    """Print every source whose seeds are whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--within", default="", help="only variants that begin so")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.file.read_text().splitlines()]
    rows = [row for row in rows if row["variant"].startswith(given.within)]
    for source in dict.fromkeys(row["source"] for row in rows):
        own = [row for row in rows if row["source"] == source]
        whole = len({(row["variant"], row["lr"]) for row in own})
        seeds: dict[int, list[dict[str, Any]]] = {}
        for row in own:
            seeds.setdefault(row["seed"], []).append(row)
        seeds = {seed: part for seed, part in seeds.items() if len(part) == whole}
        print_source(source, seeds)


if __name__ == "__main__":
    main()
