"""How often is a hyperparameter called important where none is, and where one is?

Prints, for each method and kind of study, the share of noise studies that call anything
important (claimed: at most 0.05), and how often the hyperparameter that carries an R² of 0.3 is
called so. Each study has 60 trials and four hyperparameters; two are logarithmic ranges. The R² is
that over the whole space; a search gathers its trials where the outcome is good, so that among
them the hyperparameter varies less. The last column is the mean R² among the trials.

    python -m tests.benchmarks.importance_null [--studies 200] [--seed 0] [--r2 0.3]

PED-ANOVA is cheap: `--method PED-ANOVA --studies 1000` tells .05 from .065.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

import numpy as np
import optuna
import pandas as pd

from dgsearch.analysis.importance import METHODS, importances

NAMES = {name: name for name in ("u", "v", "w", "x")}
LOGARITHMIC = ("u", "w")
TRIALS, R2 = 60, 0.3
SEEDS = 3


def _points(kind: str, random: np.random.Generator) -> np.ndarray:
    """(trials, 4) The design in the unit cube, the seeds of a configuration below each other."""
    if kind == "grid":  # 5 x 3 x 2 x 2: few values each
        steps = [np.linspace(0, 1, count) for count in (5, 3, 2, 2)]
        return np.stack(np.meshgrid(*steps), axis=-1).reshape(-1, 4)
    if kind == "seeds":
        return np.repeat(random.random((TRIALS // SEEDS, 4)), SEEDS, axis=0)
    return random.random((TRIALS, 4))


def _tpe(random: np.random.Generator, effect: float, noise: float) -> tuple[np.ndarray, ...]:
    """A search by TPE, as `kind = "search"` proposes: later points depend on earlier outcomes."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=int(random.integers(2**31)))
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def outcome(trial: optuna.Trial) -> float:
        point = [trial.suggest_float(name, 0, 1) for name in NAMES]
        return effect * point[0] + random.normal(0, noise)

    study.optimize(outcome, n_trials=TRIALS)
    points = np.array([[trial.params[name] for name in NAMES] for trial in study.trials])
    return points, np.array([trial.value for trial in study.trials])


def _study(
    kind: str, random: np.random.Generator, *, carried: bool, r2: float = R2
) -> pd.DataFrame:
    """Trials of one simulated study; `u` carries R² of the outcome of a trial, or nothing."""
    effect, noise = ((12 * r2) ** 0.5, (1 - r2) ** 0.5) if carried else (0.0, 1.0)
    if kind == "search":
        points, outcome = _tpe(random, effect, noise)
    else:
        points = _points(kind, random)
        scale = 12**-0.5 / points[:, 0].std() if kind == "grid" else 1.0
        outcome = effect * scale * points[:, 0] + random.normal(0, noise, len(points))
    table = pd.DataFrame(points, columns=list(NAMES)).assign(outcome=outcome)
    for name in LOGARITHMIC:
        table[name] = 10 ** (4 * table[name] - 5)
    repeats = SEEDS if kind == "seeds" else 1
    count = np.arange(len(table))
    return table.assign(config_id=count // repeats, seed=count % repeats)


def main() -> None:
    """Print one line a kind of study and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="another one draws other studies")
    parser.add_argument("--method", choices=METHODS, default=None)
    parser.add_argument("--kinds", nargs="*", default=["random", "grid", "seeds", "search"])
    parser.add_argument("--r2", type=float, default=R2, help="that `u` carries over the space")
    chosen = parser.parse_args()
    methods = (chosen.method,) if chosen.method else METHODS
    print(f"{TRIALS} trials, 4 hyperparameters, {chosen.studies} studies")
    print(f"design   method     false  power at R2 {chosen.r2:g}  R2 among trials")
    for kind in chosen.kinds:
        hits: dict[tuple[str, bool], list[bool]] = defaultdict(list)
        shares: list[float] = []
        random = np.random.default_rng(chosen.seed)
        for carried in (False, True):
            for _ in range(chosen.studies):
                study = _study(kind, random, carried=carried, r2=chosen.r2)
                outcome = study["outcome"].tolist()
                if carried:
                    shares.append(float(np.corrcoef(np.log10(study["u"]), outcome)[0, 1] ** 2))
                found = importances(
                    study, NAMES, outcome, logarithmic=LOGARITHMIC, methods=methods
                )
                for method, part in found.groupby("evaluator"):
                    own = part.set_index("name")["important"]
                    hits[str(method), carried].append(bool(own["u"] if carried else own.any()))
        for method in methods:
            false, power = (np.mean(hits[method, carried]) for carried in (False, True))
            print(f"{kind:8} {method:9}  {false:.3f}  {power:.3f}  {np.mean(shares):.2f}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
