"""What a search of 40 trials misses of the best, with joint TPE against independent TPE.

    python -m tests.benchmarks.search_regret [SEEDS]

Independent TPE is what dgsearch used up to d371494. The objectives are quadratics in five
dimensions whose axes are rotated at random, so that hyperparameters interact; a seed draws one of
them, and both samplers search it. A ratio below 1 favours joint TPE; the bound is 0.75.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
import optuna
from optuna.samplers import BaseSampler, TPESampler

from dgsearch.runner.proposals import make_sampler
from tests.fakes import fake_spec

SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
TRIALS, DIMENSIONS = 40, 5
SEARCH = {"kind": "search", "trials": TRIALS, "vary": {"lr": {"low": 0.001, "high": 0.1}}}


def _objective(seed: int) -> Callable[[optuna.Trial], float]:
    """A quadratic whose curvatures span two decades, along random axes; its minimum is 0."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(DIMENSIONS, DIMENSIONS)))
    centre = random.uniform(0.2, 0.8, DIMENSIONS)
    curvatures = 10.0 ** np.linspace(0, 2, DIMENSIONS)

    def value(trial: optuna.Trial) -> float:
        point = np.array([trial.suggest_float(f"x{at}", 0, 1) for at in range(DIMENSIONS)])
        return float((curvatures * (axes @ (point - centre)) ** 2).sum())

    return value


def _missed(sampler: BaseSampler, seed: int) -> float:
    study = optuna.create_study(sampler=sampler)
    study.optimize(_objective(seed), n_trials=TRIALS)
    return study.best_value


def main() -> None:
    """Print the mean regret of both, their ratio, and a bootstrap interval over seeds."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    design = fake_spec(design=SEARCH).design
    before = np.array(
        [
            _missed(TPESampler(seed=at, multivariate=False, n_startup_trials=10), at)
            for at in range(SEEDS)
        ]
    )
    now = np.array([_missed(make_sampler(design, at, done=0), at) for at in range(SEEDS)])
    draws = np.random.default_rng(0).integers(0, SEEDS, (10_000, SEEDS))
    low, high = np.quantile(now[draws].mean(axis=1) / before[draws].mean(axis=1), (0.025, 0.975))
    print(
        f"mean regret after {TRIALS} trials, {SEEDS} seeds: independent {before.mean():.3f}, "
        f"joint {now.mean():.3f}, ratio {now.mean() / before.mean():.2f} "
        f"(95% {low:.2f} to {high:.2f}; bound 0.75)"
    )


if __name__ == "__main__":
    main()
