"""What a search of 40 trials misses of the best, by sampler, against independent TPE.

    python -m tests.benchmarks.search_regret [--seeds 40] [--first 0] [--keep FILE]
        [--samplers tpe,gp] [--grid DATABASE STUDY]

Independent TPE is what dgsearch used up to d371494. Without `--grid` the objectives are
quadratics in five dimensions whose axes are rotated at random, so that hyperparameters interact;
a seed draws one of them, and every sampler searches it. With `--grid` the objective is the value
that a study of the design `grid` stored for each of its configurations; the seed is the sampler's
alone.

A ratio below 1 favours the sampler; the bound of `tpe` on the quadratics is 0.75. `--keep` adds
the regrets to a JSON file and prints what it then holds, so that seeds can be run in parts.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, TPESampler

from dgsearch.database.queries import read_trials
from dgsearch.runner.samplers import make_sampler
from dgsearch.study import Search

TRIALS, DIMENSIONS = 40, 5
BEFORE = "independent"
SAMPLERS = ("tpe", "gp", "cmaes", "nsga2", "qmc", "random")
Space = Mapping[str, BaseDistribution]
Objective = Callable[[Mapping[str, Any]], float]


def quadratic(seed: int) -> tuple[Space, Objective]:
    """A quadratic whose curvatures span two decades, along random axes; its minimum is 0."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(DIMENSIONS, DIMENSIONS)))
    centre = random.uniform(0.2, 0.8, DIMENSIONS)
    curvatures = 10.0 ** np.linspace(0, 2, DIMENSIONS)

    def value(values: Mapping[str, Any]) -> float:
        point = np.array([values[f"x{at}"] for at in range(DIMENSIONS)])
        return float((curvatures * (axes @ (point - centre)) ** 2).sum())

    return {f"x{at}": FloatDistribution(0, 1) for at in range(DIMENSIONS)}, value


def stored_grid(database: str, study: str) -> tuple[Space, Objective]:
    """What each configuration of a stored grid missed of the best one, as a mean over seeds.

    Its values are listed as numbers in order, or as choices where they are no numbers.
    """
    trials = read_trials(database, study)
    trials = trials[(trials["state"] == "COMPLETE") & (trials["role"] == "point")]
    names = [name for name in trials if name in _varied(trials)]
    means = trials.groupby(names)["value"].mean()
    stored = {key: float(value) for key, value in means.items()}
    best = max(stored.values())
    space = {name: _listed(sorted(trials[name].unique())) for name in names}

    def value(values: Mapping[str, Any]) -> float:
        at = [sorted(trials[name].unique())[int(values[name])] for name in names]
        return best - stored[tuple(at)]

    return space, value


def _varied(trials: Any) -> list[str]:
    first, last = list(trials).index("variant") + 1, list(trials).index("value")
    return [name for name in list(trials)[first:last] if trials[name].nunique() > 1]


def _listed(values: list[Any]) -> BaseDistribution:
    if all(isinstance(value, int | float) for value in values):
        return optuna.distributions.IntDistribution(0, len(values) - 1)
    return CategoricalDistribution(list(range(len(values))))


def missed(sampler: str, seed: int, space: Space, value: Objective) -> float:
    """Regret of one search."""
    design = Search.model_validate(
        {"kind": "search", "trials": TRIALS, "sampler": "tpe", "vary": {"x": [1]}}
    ).model_copy(update={"sampler": sampler})
    before = TPESampler(seed=seed, multivariate=False, n_startup_trials=10)
    study = optuna.create_study()
    for number in range(TRIALS):
        made: BaseSampler = before
        if sampler != BEFORE:
            made = make_sampler(design, seed, number=number, distributions=space)
        study.sampler = made
        trial = study.ask()
        values = {name: trial._suggest(name, each) for name, each in space.items()}
        study.tell(trial, value(values))
    return float(study.best_value)


def main() -> None:
    """Run what is asked for, and print mean regrets, ratios and bootstrap intervals."""
    options = argparse.ArgumentParser()
    options.add_argument("--seeds", type=int, default=40)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--samplers", default=",".join(SAMPLERS))
    options.add_argument("--grid", nargs=2, metavar=("DATABASE", "STUDY"))
    options.add_argument("--keep", type=Path)
    asked = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    kept = asked.keep.exists() if asked.keep else False
    found: dict[str, dict[str, float]] = json.loads(asked.keep.read_text()) if kept else {}
    grid = stored_grid(*asked.grid) if asked.grid else None
    for seed in range(asked.first, asked.first + asked.seeds):
        for sampler in (BEFORE, *asked.samplers.split(",")):
            known = found.setdefault(sampler, {})
            if str(seed) not in known:
                known[str(seed)] = missed(sampler, seed, *(grid or quadratic(seed)))
        if asked.keep:
            asked.keep.write_text(json.dumps(found))
    _print(found, "stored grid" if grid else "rotated quadratics")


def _print(found: Mapping[str, Mapping[str, float]], objective: str) -> None:
    for sampler, own in found.items():
        seeds = sorted(own.keys() & found[BEFORE].keys(), key=int)
        before = np.array([found[BEFORE][seed] for seed in seeds])
        now = np.array([own[seed] for seed in seeds])
        draws = np.random.default_rng(0).integers(0, len(seeds), (10_000, len(seeds)))
        ratios = now[draws].mean(axis=1) / np.maximum(before[draws].mean(axis=1), 1e-12)
        low, high = np.quantile(ratios, (0.025, 0.975))
        print(
            f"{objective}, {TRIALS} trials, {len(seeds)} seeds: {sampler} mean regret "
            f"{now.mean():.4f}, ratio to {BEFORE} TPE {now.mean() / before.mean():.2f} "
            f"(95% {low:.2f} to {high:.2f})"
        )


if __name__ == "__main__":
    main()
