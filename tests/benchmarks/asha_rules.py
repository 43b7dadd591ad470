"""What does ASHA cost and save when augmented validation decides, against validation?

Reads what `selection_trials.py` wrote and replays ASHA on its curves: at each rung, and when the
configuration is chosen among the trials that reach the end, one rule decides; where [halving]
compares methods, augmented validation is by the families that none trains with. Every rule meets
the same 200 orders of arrival. Prints for each source and rule the share of epochs and of the
time that is saved, the regret to the oracle on the targets (points, at the last epoch) with and
without ASHA, and the paired differences to validation, with 95% t intervals over seeds.

    python -m tests.benchmarks.asha_rules build/selection.jsonl [--grace 1] [--keep-one-in 3]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dgsearch.analysis.statistics import mean_interval
from dgsearch.analysis.stopping import HalvingRule
from tests.benchmarks.selection_rules import common_families, epochs_of

RULES = {"validation": "validation", "augmented": "common families"}  # and its column
NUMBERS = ("epochs saved, %", "time saved, %", "regret, points", "regret without ASHA, points")
_ORDERS = 200


def replayed(
    values: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], seconds: np.ndarray[Any, Any],
    rule: HalvingRule,
) -> tuple[float, ...]:  # fmt: skip
    """`NUMBERS` of one seed, as means over the orders of arrival.

    Args:
        values: By what is decided, (trials, epochs).
        targets: Mean over the targets at the last epoch, (trials,).
        seconds: Of each trial, (trials,).
        rule: When trials are stopped.
    """
    random = np.random.default_rng(0)
    orders = [random.permutation(len(values)) for _ in range(_ORDERS)]
    ends = rule.ends(values, orders)  # (orders, trials)
    epochs = values.shape[1]
    chosen = np.where(ends == epochs, values[:, -1], -np.inf).argmax(axis=1)
    share = 1 - ends / epochs
    return (
        100 * float(share.mean()),
        100 * float((share @ seconds).mean() / seconds.sum()),
        100 * float((targets.max() - targets[chosen]).mean()),
        100 * float(targets.max() - targets[values[:, -1].argmax()]),
    )


def numbers_of(rows: Sequence[dict[str, Any]], rule: HalvingRule) -> dict[str, tuple[float, ...]]:
    """`NUMBERS` of one source and seed by the rule that decides."""
    parts = [epochs_of(row, common_families(rows)) for row in rows]
    targets = np.array([float(part["target"].iloc[-1]) for part in parts])
    seconds = np.array([row["seconds"] for row in rows])
    return {
        name: replayed(np.array([part[column] for part in parts]), targets, seconds, rule)
        for name, column in RULES.items()
    }


def shown(name: str, values: Sequence[float]) -> str:
    """A mean with its interval over seeds."""
    interval = mean_interval(list(values))
    return f"{name:<30} {interval.mean:7.2f} ({interval.low:.2f} to {interval.high:.2f})"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--grace", type=int, default=1)
    parser.add_argument("--keep-one-in", type=int, default=3)
    given = parser.parse_args()
    rows = [json.loads(line) for file in given.files for line in file.read_text().splitlines()]
    rule = HalvingRule(given.grace, given.keep_one_in)
    for source in sorted({row["source"] for row in rows}):
        own = [row for row in rows if row["source"] == source]
        seeds = sorted({row["seed"] for row in own})
        most = max(sum(row["seed"] == seed for row in own) for seed in seeds)
        blocks = [[row for row in own if row["seed"] == seed] for seed in seeds]
        whole = [numbers_of(block, rule) for block in blocks if len(block) == most]
        print(f"{source}: {len(whole)} seeds, {most} trials each, {rule.name}")
        for at, number in enumerate(NUMBERS):
            for name in RULES:
                print("  " + shown(f"{name}: {number}"[:60], [one[name][at] for one in whole]))
            differences = [one["augmented"][at] - one["validation"][at] for one in whole]
            print("  " + shown(f"difference: {number}", differences))


if __name__ == "__main__":
    main()
