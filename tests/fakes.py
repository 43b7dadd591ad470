"""Fake studies for the reading half: written through the recorder, trained by nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from sqlalchemy import Engine

from dgsearch.database.connection import open_for_writing
from dgsearch.database.recorder import Ending, Started, StudyRecorder
from dgsearch.database.studies import Driver, register_study
from dgsearch.design import Configuration, PlannedTrial, plan_trials
from dgsearch.space import Choice, Float, Int, Space
from dgsearch.study import Catalogue, StudySpec, parse_study

SPACES = {
    "mpbm": Space(
        (
            Float(
                name="lambda_adv", symbol="λ_adv", default=0.5, low=0, high=10, meaning="weight"
            ),
            Float(
                name="lambda_mix", symbol="λ_mix", default=0.5, low=0, high=10, meaning="weight"
            ),
            Int(name="T", symbol="T", default=5, low=0, high=100, meaning="steps"),
            Int(name="N_b", symbol="N_b", default=5, low=1, high=100, meaning="instances"),
            Choice(name="attention", default="feature", options=("feature", "plain"), meaning="a"),
            Int(name="epochs", default=3, low=1, meaning="epochs of the last stage"),
            Float(name="lr", default=1e-3, low=0, open_low=True, log=True, meaning="rate"),
        )
    ),
    "erm": Space(
        (
            Int(name="epochs", default=3, low=1, meaning="epochs of the last stage"),
            Float(name="lr", default=1e-3, low=0, open_low=True, log=True, meaning="rate"),
        )
    ),
}
CATALOGUE = Catalogue(SPACES, {"digits-mini": ("scan", "photo", "street", "slanted")})
DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "lambda_adv": FloatDistribution(0, 10),
    "lambda_mix": FloatDistribution(0, 10),
    "T": IntDistribution(0, 100),
    "N_b": IntDistribution(1, 100),
    "lr": FloatDistribution(1e-6, 1, log=True),
    "attention": CategoricalDistribution(("feature", "plain")),
}
TARGETS = ("photo", "street")


def fake_spec(**changes: Any) -> StudySpec:
    """A small one-at-a-time study of a method that is never trained."""
    raw: dict[str, Any] = {
        "name": "fake",
        "question": "Does it matter?",
        "method": "mpbm",
        "baselines": ["erm"],
        "seeds": [0, 1, 2],
        "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": list(TARGETS)},
        "design": {
            "kind": "one-at-a-time",
            "vary": {"lambda_adv": [0.0, 0.5, 1.0], "T": [1, 5, 10]},
        },
    }
    return parse_study(raw | changes, CATALOGUE, file="fake.toml")


def fake_facts(spec: StudySpec) -> dict[str, Any]:
    """Facts as the runner writes them."""
    names = (spec.method, *spec.baselines)
    return {
        "study_file": f'name = "{spec.name}"',
        "planned": len(plan_trials(spec, SPACES)),
        "spaces": {name: SPACES[name].model_dump(mode="json") for name in names},
        "summaries": {name: f"what {name} does" for name in names},
        "versions": {"dgsearch": "0.1.0"},
        "python": "3.11",
        "git_revision": "abc",
        "machine": {"system": "Linux", "processor": "a chip", "cores": 2, "gpus": []},
        "labels": ["0", "1"],
        "images": {"source/train": 8},
        "data_fingerprint": "00ff",
    }


class FakeStudy:
    """A study in a database, with a recorder to add trials."""

    def __init__(self, database: str, spec: StudySpec | None = None) -> None:
        self.spec = spec or fake_spec()
        self.engine: Engine = open_for_writing(database).engine
        self.study_id = register_study(self.engine, self.spec, fake_facts(self.spec))
        self.driver = Driver(self.engine)
        self.recorder = StudyRecorder(self.engine, self.study_id, self.driver.driver_id)

    def begin(self, planned: PlannedTrial) -> Started:
        """A RUNNING trial."""
        distributions = {name: DISTRIBUTIONS[name] for name in planned.configuration.varied}
        return self.recorder.begin(planned, distributions, attempt=1, continues=None)

    def report(self, trial_id: int, epoch: int, value: float, accuracies: Sequence[float]) -> None:
        """One epoch: `value` on the source, one accuracy for each target."""
        scores: list[tuple[str, str, str, float]] = [("validation", "scan", "accuracy", value)]
        for domain, number in zip(self.spec.data.targets, accuracies, strict=True):
            scores.append(("test", domain, "accuracy", number))
        progress = {"wall_s": 2.0 * epoch, "saved_s": 1.0, "device": "cpu", "peak_memory_mb": 64.0}
        stages = json.dumps([{"stage": "pretrain", "key": "k", "taken": True}])
        self.recorder.report(
            trial_id,
            epoch=epoch,
            value=value,
            scores=scores,
            progress=progress | {"stages_json": stages},
        )

    def complete(self, planned: PlannedTrial, accuracy: float) -> Started:
        """A finished trial of three epochs with about the same accuracy everywhere."""
        started = self.begin(planned)
        for epoch in (1, 2, 3):
            self.report(started.trial_id, epoch, accuracy, [accuracy - 0.1, accuracy + 0.1])
        ending = Ending("COMPLETE", "finished", value=accuracy, selected_epoch=3)
        self.recorder.end(started.trial_id, ending)
        return started


def planned(**values: Any) -> PlannedTrial:
    """A trial of the fake method at seed 0."""
    seed = values.pop("seed", 0)
    return PlannedTrial(
        Configuration("mpbm", SPACES["mpbm"].resolve(values), ("lambda_adv",)), seed
    )


def full_study(
    database: str,
    accuracy: Callable[[PlannedTrial, np.random.Generator], float] | None = None,
    spec: StudySpec | None = None,
) -> FakeStudy:
    """Every planned trial of a fake study, finished; seeds shift all configurations alike."""
    study = FakeStudy(database, spec)
    random = np.random.default_rng(0)
    for trial in plan_trials(study.spec, SPACES):
        value = 0.5 + 0.02 * trial.seed if accuracy is None else accuracy(trial, random)
        study.complete(trial, value)
    return study
