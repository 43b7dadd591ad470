"""Which rule chooses well without the targets? Regret and rank correlation, paired over seeds.

Reads what `selection_trials.py` wrote. The candidates of a seed are all its methods, variants and
learning rates. Prints for each source and rule the mean regret to the oracle in points and
Spearman's correlation with the mean of targets, with 95% t intervals over seeds, the paired
differences of both to validation, and the ratio of the mean regrets. Three rules of
augmented validation stand side by side:

- augmented: the families that no method trains with, the rule of `selection = "augmented"`;
- augmented, adjusted: each method by the families that it does not train with, the level of
  each family taken out (least squares on method plus family);
- augmented, all families: each method by all of them, what it trains with too.

    python -m tests.benchmarks.selection_rules build/selection.jsonl [--within mpbm]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.statistics import mean_interval, rank_correlation
from dgsearch.study.families import FAMILIES, counted_families, trained_families

RULES = ("validation", "last epoch", "augmented", "augmented, adjusted", "augmented, all families")


def epochs_of(row: dict[str, Any], counted: Sequence[str]) -> pd.DataFrame:
    """One row an epoch: validation, the two plain rules under families, target."""
    scores = pd.DataFrame(row["scores"], columns=["epoch", "split", "domain", "value"])
    wide = scores.pivot_table(index="epoch", columns=["split", "domain"], values="value")
    augmented = wide["augmented"]
    return pd.DataFrame(
        {
            "validation": wide["validation"].mean(axis=1),
            "augmented": augmented[list(counted)].mean(axis=1),
            "augmented, all families": augmented[list(FAMILIES)].mean(axis=1),
            "target": wide["test"].mean(axis=1),
        }
    )


def adjusted(rows: Sequence[dict[str, Any]]) -> list[float]:
    """The level of each trial after its last epoch, from the families that it may be judged by."""
    table = np.full((len(rows), len(FAMILIES)), np.nan)
    for place, row in enumerate(rows):
        last = max(score[0] for score in row["scores"])
        for epoch, split, domain, value in row["scores"]:
            if epoch == last and split == "augmented" and domain not in row["trained_with"]:
                table[place, list(FAMILIES).index(domain)] = value
    trials, families = np.nonzero(~np.isnan(table))
    design = np.zeros((len(trials), sum(table.shape)))
    design[np.arange(len(trials)), trials] = 1
    design[np.arange(len(trials)), len(rows) + families] = 1
    found = np.linalg.lstsq(design, table[trials, families], rcond=None)[0]
    return [float(level) for level in found[: len(rows)]]


def costs_of(rows: Sequence[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """Rule, regret and rank correlation at one seed."""
    counted = counted_families(trained_families(row["trained_with"] for row in rows))
    epochs = [epochs_of(row, counted) for row in rows]
    best = max(float(part["target"].max()) for part in epochs)
    lasts = [part.iloc[-1] for part in epochs]
    found = []
    for rule in RULES:
        if rule == "augmented, adjusted":
            scores, targets = adjusted(rows), [float(last["target"]) for last in lasts]
        elif rule == "last epoch":
            scores = [float(last["validation"]) for last in lasts]
            targets = [float(last["target"]) for last in lasts]
        else:
            at = [part.loc[part[rule].idxmax()] for part in epochs]
            scores = [float(one[rule]) for one in at]
            targets = [float(one["target"]) for one in at]
        chosen = np.mean(np.array(targets)[np.array(scores) == max(scores)])
        found.append((rule, best - float(chosen), rank_correlation(scores, targets).rho))
    return found


def print_source(source: str, seeds: dict[int, list[dict[str, Any]]]) -> None:
    """One line a rule."""
    rows = next(iter(seeds.values()))
    counted = counted_families(trained_families(row["trained_with"] for row in rows))
    print(
        f"source {source}: {len(seeds)} seeds, {len(rows)} candidates at each; families that "
        f"count: {', '.join(counted)}"
    )
    long = [(seed, *cost) for seed, own in sorted(seeds.items()) for cost in costs_of(own)]
    table = pd.DataFrame(long, columns=["seed", "rule", "regret", "rho"])
    regrets = table.pivot_table(index="seed", columns="rule", values="regret") * 100
    rhos = table.pivot_table(index="seed", columns="rule", values="rho")
    for rule in RULES:
        regret, rho = (mean_interval(frame[rule].tolist()) for frame in (regrets, rhos))
        line = (
            f"  {rule:<24} regret {regret.mean:5.1f} points ({regret.low:.1f} to "
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
