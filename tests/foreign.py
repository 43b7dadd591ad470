"""Studies that Optuna alone wrote, for tests: what is right is known of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
)

__all__ = ["add_trials", "bowl", "conditional", "new_study", "repeated_choices"]


def new_study(
    database: str, name: str = "foreign", *, directions: Sequence[str] = ("minimize",)
) -> optuna.Study:
    return optuna.create_study(
        study_name=name,
        storage=database,
        directions=list(directions),
        sampler=optuna.samplers.RandomSampler(seed=0),
    )


def add_trials(
    study: optuna.Study,
    rows: Sequence[dict[str, Any]],
    distributions: dict[str, BaseDistribution],
    values: Sequence[float],
) -> None:
    """Finished trials; each has the distributions of the hyperparameters that it has."""
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=row, distributions={name: distributions[name] for name in row}, value=value
            )
            for row, value in zip(rows, values, strict=True)
        ]
    )


def bowl(database: str, trials: int = 60) -> None:
    """One objective stored as a loss and as its negative: everything must be a mirror image."""
    points = np.random.default_rng(1).random((trials, 2))
    distributions: dict[str, BaseDistribution] = {
        name: FloatDistribution(0, 1) for name in ("x", "y")
    }
    rows = [{"x": float(x), "y": float(y)} for x, y in points]
    losses = [float(x + 10 * y**20) for x, y in points]
    for name, sign, direction in (("loss", 1, "minimize"), ("score", -1, "maximize")):
        study = new_study(database, name, directions=[direction])
        add_trials(study, rows, distributions, [sign * loss for loss in losses])


def repeated_choices(database: str) -> None:
    """60 trials in which opt = a is worth 10, in declared order c, b, a."""
    random = np.random.default_rng(0)
    distributions: dict[str, BaseDistribution] = {
        "opt": CategoricalDistribution(("c", "b", "a")),
        "bn": CategoricalDistribution((True, False)),
        "lr": FloatDistribution(1e-5, 1e-1, log=True),
    }
    rows, values = [], []
    for place in range(60):
        row = {"opt": "cba"[place % 3], "bn": bool(place % 2)}
        rows.append(row | {"lr": float(10 ** random.uniform(-5, -1))})
        values.append(10.0 * (row["opt"] == "a") + 3.0 * row["bn"] + float(random.normal()))
    add_trials(new_study(database, "cat", directions=["maximize"]), rows, distributions, values)


def conditional(database: str, trials: int = 60) -> None:
    """A classifier and its own hyperparameters: SVC is better by about 1."""
    random = np.random.default_rng(0)
    distributions: dict[str, BaseDistribution] = {
        "classifier": CategoricalDistribution(("SVC", "RandomForest")),
        "svc_c": FloatDistribution(1e-10, 1e10, log=True),
        "rf_depth": FloatDistribution(2, 32),
    }
    rows: list[dict[str, Any]] = []
    values = []
    for place in range(trials):
        if place % 2:
            c = float(10 ** random.uniform(-10, 10))
            rows.append({"classifier": "SVC", "svc_c": c})
            values.append(math.log10(c) / 100)
        else:
            depth = float(random.uniform(2, 32))
            rows.append({"classifier": "RandomForest", "rf_depth": depth})
            values.append(1 + depth / 32)
    add_trials(new_study(database, "branches"), rows, distributions, values)
