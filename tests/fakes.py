"""Fake studies for the reading half: written through the recorder, trained by nobody."""

from __future__ import annotations

import base64
import copy
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from PIL import Image
from sqlalchemy import Engine

from dgsearch.database.drivers import Driver
from dgsearch.database.new_trials import Started
from dgsearch.database.predictions import packed
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending, Epoch, StudyRecorder
from dgsearch.database.studies import register_study
from dgsearch.designs.points import Configuration, PlannedTrial
from dgsearch.space import Choice, Float, Int, Space
from dgsearch.study import Catalogue, StudySpec, parse_study
from dgsearch.study.metrics import metric_facts
from dgsearch.study.plan import methods_of, plan_trials
from tests.fake_databases import copied, opened

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
            Choice(
                name="adversarial_alignment", default="on", options=("on", "off"), meaning="L_adv"
            ),
            Int(name="epochs", default=3, low=1, meaning="epochs of the last stage"),
            Float(name="lr", default=1e-3, low=0, open_low=True, log=True, meaning="rate"),
        )
    ),
    "augkd": Space(
        (
            Float(
                name="a", symbol="a", default=0.6, low=0, open_low=True, high=10, meaning="rise"
            ),
            Float(name="b", symbol="b", default=0.2, low=0, high=1, meaning="start"),
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
CATALOGUE = Catalogue(
    {name: SPACES[name] for name in ("mpbm", "erm")},
    {"digits-mini": ("scan", "photo", "street", "slanted")},
)
WIDER = Catalogue(SPACES, {"digits-mini": ("scan", "photo", "street", "slanted", "typeset")})
DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "lambda_adv": FloatDistribution(0, 10),
    "lambda_mix": FloatDistribution(0, 10),
    "T": IntDistribution(0, 100),
    "N_b": IntDistribution(1, 100),
    "a": FloatDistribution(0, 10),
    "b": FloatDistribution(0, 1),
    "epochs": IntDistribution(1, 100),
    "lr": FloatDistribution(1e-6, 1, log=True),
    "attention": CategoricalDistribution(("feature", "plain")),
    "adversarial_alignment": CategoricalDistribution(("on", "off")),
}
TARGETS = ("photo", "street")


def fake_spec(catalogue: Catalogue = CATALOGUE, **changes: Any) -> StudySpec:
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
    return parse_study(raw | changes, catalogue, file="fake.toml")


def fake_facts(spec: StudySpec) -> dict[str, Any]:
    """Facts as the runner writes them."""
    names = methods_of(spec)
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
        "metrics": metric_facts(spec.recorded),
        "images": {"source/train": 8},
        "data_fingerprint": "00ff",
    }


class FakeStudy:
    """A study in a database, with a recorder to add trials."""

    def __init__(self, database: str, spec: StudySpec | None = None) -> None:
        self.spec = spec or fake_spec()
        self._database = database
        self.study_id = register_study(self.engine, self.spec, fake_facts(self.spec))
        self._signed_in = Driver(self.engine, self.study_id)

    @cached_property
    def engine(self) -> Engine:
        """Of the database, for writing."""
        return opened(self._database)

    @cached_property
    def driver(self) -> Driver:
        """The one that has signed in."""
        driver = copy.copy(self._signed_in)
        driver._engine = self.engine
        return driver

    @cached_property
    def recorder(self) -> StudyRecorder:
        """Writes in the name of the driver."""
        return StudyRecorder(self.engine, self.study_id, self.driver.driver_id)

    def moved(self, database: str) -> FakeStudy:
        """The same study and driver in a copy of the database, opened when it is asked for."""
        there = copy.copy(self)
        for name in ("engine", "driver", "recorder"):
            vars(there).pop(name, None)
        there._database, there._signed_in = database, self.driver
        return there

    def frame(self) -> pd.DataFrame:
        """The study's trials."""
        return read_trials(self.engine, self.spec.name)

    def begin(self, planned: PlannedTrial) -> Started:
        """A RUNNING trial."""
        distributions = {name: DISTRIBUTIONS[name] for name in planned.configuration.varied}
        return self.recorder.begin(planned, distributions, attempt=1, continues=None)

    def report(
        self,
        trial_id: int,
        epoch: int,
        value: float,
        accuracies: Sequence[float],
        diagnostics: Mapping[str, float] | None = None,
        families: Mapping[str, float] | None = None,
    ) -> None:
        """One epoch: `value` on the source, an accuracy for each target, diagnostics, families."""
        scores: list[tuple[str, str, str, float]] = [("validation", "scan", "accuracy", value)]
        for domain, number in zip(self.spec.data.targets, accuracies, strict=True):
            scores.append(("test", domain, "accuracy", number))
        for metric in self.spec.recorded[1:]:  # numbers of its own scale: 3 less the accuracy
            scores.append(("validation", "scan", metric, value))
            for domain, number in zip(self.spec.data.targets, accuracies, strict=True):
                scores.append(("test", domain, metric, 3 - number))
        for metric, number in (diagnostics or {}).items():
            scores.append(("train", "scan", metric, number))
        for family, number in (families or {}).items():
            scores.append(("augmented", family, "accuracy", number))
        progress = {
            "wall_s": 2.0 * epoch,
            "train_s": 1.5 * epoch,
            "saved_s": 1.0,
            "device": "cpu",
            "peak_memory_mb": 64.0,
        }
        use = {"stage": "pretrain", "key": "k", "taken": True, "seconds": 0.0, "saved_s": 1.0}
        right = [n < 8 * value - 0.5 for n in range(8)]  # of eight validation images
        bits = base64.b64encode(packed(right)).decode()
        measured = [Epoch(epoch, value, scores, [("validation", "scan", 8, bits)])]
        self.recorder.report(trial_id, measured, progress | {"stages_json": json.dumps([use])})

    def complete(
        self,
        planned: PlannedTrial,
        accuracy: float,
        diagnostics: Mapping[str, float] | None = None,
        *,
        rise: float = 0.0,
    ) -> Started:
        """A finished trial of three epochs: accuracies rise by as much at each of them."""
        started = self.begin(planned)
        spread = (-0.1, 0.1) * len(self.spec.data.targets)
        for epoch in (1, 2, 3):
            level = accuracy - rise * (3 - epoch)
            accuracies = [level + spread[n] for n in range(len(self.spec.data.targets))]
            self.report(started.trial_id, epoch, level, accuracies, diagnostics)
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

    def build(url: str) -> FakeStudy:
        study = FakeStudy(url, spec)
        random = np.random.default_rng(0)
        for trial in plan_trials(study.spec, SPACES):
            value = 0.5 + 0.02 * trial.seed if accuracy is None else accuracy(trial, random)
            study.complete(trial, value)
        return study

    if accuracy is not None:
        return build(database)
    spec = spec or fake_spec()
    return copied(database, f"full {spec.model_dump_json()}", build)


def every_diagnostic(level: float) -> dict[str, float]:
    """Numbers under every name that the two methods report."""
    mpbm = ("discriminator_accuracy", "attention_entropy", "gradient_to_noise", "query_accuracy")
    augkd = ("generated_classes", "mask_occupancy", "uncertainty_before", "uncertainty_after")
    mixed = [f"teacher_accuracy_mixed_{f}" for f in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    return dict.fromkeys((*mpbm, *augkd, *mixed, "mixup_ramp", "epoch_s"), level)


def some_samples(name: str = "source image") -> dict[str, Any]:
    """What MPBM and AuG-KD store to look at; `name` stands wherever a text is free."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, format="PNG")
    sprite = base64.b64encode(buffer.getvalue()).decode()
    return {
        "features": {
            "points": [["real", 1, 0.0, 0.1], [name, 2, 0.2, 0.3]],
            "variance": 0.5,
            "own_is_nearest": 0.25,
            "rows": [name],
            "sprite": sprite,
        },
        "images": {"rows": [name], "columns": 1, "sprite": sprite},
        "teacher_confidence": {"counts": [0, 1, 2, 7]},
    }


ABLATION = {
    "kind": "ablation",
    "variants": {
        "without L_adv": {"adversarial_alignment": "off"},
        "plain attention": {"attention": "plain"},
    },
}
ADAPTIVE = {
    "kind": "adaptive-seeds",
    "max_seeds": 8,
    "margin": 0.02,
    "confidence": 0.8,
    "vary": {"lambda_adv": [0.0, 1.0], "T": [1]},
}
GRID = {
    "kind": "grid",
    "vary": {"lambda_adv": [0.0, 0.2, 0.5, 0.8], "T": [1, 3, 5, 10], "lr": [1e-4, 1e-3]},
}
RANGE = {"low": 0.0, "high": 1.0}
DESIGNS: dict[str, dict[str, Any]] = {
    "a-a": {"kind": "a-a"},
    "one-at-a-time": {"kind": "one-at-a-time", "vary": {"T": [1, 5], "lambda_adv": [0.0, 1.0]}},
    "grid": GRID,
    "ablation": ABLATION,
    "sobol": {"kind": "sobol", "samples": 8, "vary": {"lambda_adv": RANGE, "lambda_mix": RANGE}},
    "search": {"kind": "search", "trials": 5, "vary": {"lr": {"low": 1e-4, "high": 1e-2}}},
    "adaptive-seeds": ADAPTIVE,
    "family": {
        "kind": "family",
        "configurations": 2,
        "vary": {"lr": {"low": 1e-4, "high": 1e-2, "log": True}},
        "methods": {"erm": {}, "augkd": {"a": [0.2, 0.6]}},
    },
    "shapley": {
        "kind": "shapley",
        "switches": {"L_adv": {"adversarial_alignment": "off"}, "steps": {"T": 0}},
    },
}  # one of each kind


def rich_study(database: str, *, name: str = "rich", **changes: Any) -> FakeStudy:
    """A study with diagnostics, samples, a warning, a failed and a stopped trial."""
    spec = fake_spec(name=name, **changes)
    return copied(database, f"rich {spec.model_dump_json()}", lambda url: _rich(url, spec))


def _rich(database: str, spec: StudySpec) -> FakeStudy:
    study = FakeStudy(database, spec)
    random = np.random.default_rng(0)
    for trial in plan_trials(study.spec, SPACES):
        values = trial.configuration.values
        effect = -0.1 * (float(values.get("lambda_adv", 0.5)) - 0.4) ** 2
        effect -= 0.05 * (values.get("attention") == "plain")
        level = 0.6 + effect + 0.02 * trial.seed + random.normal(0, 0.004)
        diagnostics = every_diagnostic(0.5 + random.normal(0, 0.1))
        started = study.complete(trial, level, diagnostics, rise=0.02)
        study.recorder.keep_samples(started.trial_id, some_samples())
    stopped = study.begin(planned(T=99))
    study.report(stopped.trial_id, 1, 0.2, [0.2] * len(study.spec.data.targets))
    ending = Ending("PRUNED", "halved", value=0.2, rung=1, cutoff=0.3)
    study.recorder.end(stopped.trial_id, ending, progress={"warnings": "no step was taken"})
    failed = study.begin(planned(T=98))
    study.recorder.end(failed.trial_id, Ending("FAIL", "failed", error_type="E", error="a\nb"))
    return study


def adaptive_study(database: str, *, end: bool = True) -> FakeStudy:
    """A finished study of adaptive seeds: λ_adv = 0 is worse, 1 is better, T = 1 stays open.

    Args:
        database: URL.
        end: Whether it goes on to its end, or stops after the seeds of the file.
    """
    return copied(database, f"adaptive {end}", lambda url: _adaptive(url, end=end))


def _adaptive(database: str, *, end: bool) -> FakeStudy:
    study = FakeStudy(database, fake_spec(name="adaptive", design=ADAPTIVE, baselines=[]))
    noise = np.random.default_rng(0).normal(0, 0.001, (100, 20))
    outcomes: dict[tuple[str, int], float] = {}
    while True:
        plan = study.spec.design.plan(study.spec, SPACES, outcomes).trials
        left = [trial for trial in plan if trial.key not in outcomes]
        if not left or (outcomes and not end):
            return study
        for trial in left:
            values, seed = trial.configuration.values, trial.seed
            level = 0.6 + 0.1 * (float(values["lambda_adv"]) - 0.5) + 0.01 * seed
            level += noise[len(outcomes), seed] + (values["T"] == 1) * 0.08 * (-1) ** seed
            study.complete(trial, level)
            outcomes[trial.key] = level
