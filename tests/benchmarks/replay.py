"""How long does it take to replay 50 rules on 1,000 curves, against the engine's own scheduler?

Prints the seconds for one order of arrival and for twenty, and how many times longer the engine's
scheduler takes for one rule and one order. Nothing depends on other runs.

Usage: python -m tests.benchmarks.replay [--curves 1000] [--epochs 27]
"""

from __future__ import annotations

import argparse
import time
from types import SimpleNamespace

import numpy as np

from dgsearch.analysis.replay import Curves, replay
from dgsearch.analysis.stopping import FirstEpochs, HalvingRule, Median, Patience, StoppingRule
from dgsearch.runner.halving import RecordedHalving
from dgsearch.study import Halving


def fifty_rules() -> list[StoppingRule]:
    """Forty that halve, two by the median, four by patience, four by one look."""
    halving = [HalvingRule(grace, eta) for grace in range(1, 11) for eta in (2, 3, 4, 6)]
    others = [Median(1), Median(4), *(Patience(wait) for wait in (2, 3, 5, 8))]
    return [*halving, *others, *(FirstEpochs(keep, look) for keep in (10, 100) for look in (1, 3))]


def by_the_engine(values: np.ndarray) -> float:
    """Seconds that the engine's scheduler takes for one rule and one order."""
    began = time.perf_counter()
    scheduler = RecordedHalving(Halving(grace_epochs=1), max_epochs=values.shape[1])
    for number, curve in enumerate(values.tolist()):
        trial = SimpleNamespace(trial_id=f"{number}", config={"key": f"{number}"})
        scheduler.on_trial_add(None, trial)
        for epoch, value in enumerate(curve, start=1):
            if scheduler.on_trial_result(None, trial, {"epoch": epoch, "value": value}) == "STOP":
                break
    return time.perf_counter() - began


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=27)
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    size = (asked.curves, asked.epochs)
    level = random.normal(0.6, 0.1, (asked.curves, 1))
    values = level + random.normal(0, 0.02, size).cumsum(axis=1)
    block = Curves(values, values[:, -1], np.full(asked.curves, 2.0), values[:, -1])
    rules = fifty_rules()
    for orders in (1, 20):
        began = time.perf_counter()
        table = replay([block], rules, orders=orders)
        spent = time.perf_counter() - began
        shown = "1 order" if orders == 1 else f"{orders} orders"
        print(f"{len(table)} rules, {asked.curves} curves, {shown}: {spent:.2f} s")
        if orders == 1:
            engine = by_the_engine(values) * len(rules)
            print(f"the engine's scheduler would take {engine / spent:.0f} times as long")


if __name__ == "__main__":
    main()
