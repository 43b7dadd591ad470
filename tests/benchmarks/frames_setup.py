"""Large studies for the benchmarks of the frames, inserted in bulk, as Optuna writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from sqlalchemy import Engine, create_engine, insert

from dgsearch.database.tables import INTERMEDIATE_VALUES, PARAMS, TRIALS, VALUES

DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-5, 1e-1, log=True),
    "lambda_adv": FloatDistribution(0.0, 1.0),
    "T": IntDistribution(1, 20),
    "attention": CategoricalDistribution(("feature", "plain", "none")),
    "lambda_mix": FloatDistribution(0.0, 1.0, step=0.05),
    "batch_size": CategoricalDistribution((32, 64, 128)),
    "width": IntDistribution(16, 512, log=True),
    "momentum": FloatDistribution(0.5, 0.99),
    "augment": CategoricalDistribution((True, False)),
    "dropout": FloatDistribution(0.0, 0.5),
}


def write_study(file: Path, *, trials: int, parameters: int, reports: int) -> str:
    """Write one study of complete trials to an SQLite file.

    Returns:
        URL of the database; the study is called "large".
    """
    url = f"sqlite:///{file}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.create_study(study_name="large", storage=url, direction="maximize")
    engine = create_engine(url)
    for first in range(0, trials, 5000):
        _insert(engine, range(first, min(trials, first + 5000)), parameters, reports)
    engine.dispose()
    return url


def _insert(engine: Engine, numbers: range, parameters: int, reports: int) -> None:
    random = np.random.default_rng(numbers.start)
    began = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    described = {name: distribution_to_json(found) for name, found in DISTRIBUTIONS.items()}
    trials, params, values, curves = [], [], [], []
    for number in numbers:
        trial_id = number + 1
        start = began + timedelta(seconds=number)
        trials.append(
            {
                "trial_id": trial_id,
                "number": number,
                "study_id": 1,
                "state": "COMPLETE",
                "datetime_start": start,
                "datetime_complete": start + timedelta(seconds=60, microseconds=number),
            }
        )
        for name in list(DISTRIBUTIONS)[:parameters]:
            params.append(
                {
                    "trial_id": trial_id,
                    "param_name": name,
                    "param_value": _stored(random, DISTRIBUTIONS[name]),
                    "distribution_json": described[name],
                }
            )
        for step, value in enumerate(random.random(reports), start=1):
            curves.append(
                {
                    "trial_id": trial_id,
                    "step": step,
                    "intermediate_value": float(value),
                    "intermediate_value_type": "FINITE",
                }
            )
        values.append(
            {
                "trial_id": trial_id,
                "objective": 0,
                "value": float(random.random()),
                "value_type": "FINITE",
            }
        )
    with engine.begin() as connection:
        connection.execute(insert(TRIALS), trials)
        connection.execute(insert(PARAMS), params)
        connection.execute(insert(VALUES), values)
        if curves:
            connection.execute(insert(INTERMEDIATE_VALUES), curves)


def _stored(random: np.random.Generator, distribution: BaseDistribution) -> float:
    """A value of a distribution as Optuna stores it."""
    if isinstance(distribution, CategoricalDistribution):
        return float(random.integers(len(distribution.choices)))
    attributes = json.loads(distribution_to_json(distribution))["attributes"]
    low, high = attributes["low"], attributes["high"]
    number = low + (high - low) * random.random()
    return float(round(number)) if isinstance(distribution, IntDistribution) else float(number)
