"""The same trials under plain Ray Tune, as its documentation shows: the side to compare with.

A class trainable, reused actors, `OptunaSearch` with a study in an SQLite file; nothing shared.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import optuna
import torch
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from dgsearch.methods.registry import find_method
from dgsearch.study import StudySpec
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

__all__ = ["fit", "trial_trainable"]


def fit(
    trainable: Any,
    space: dict[str, Any],
    folder: Path,
    *,
    trials: int,
    sampler: optuna.samplers.BaseSampler | None = None,
) -> None:
    """Train that many trials in a running Ray; Ray's own snapshots of weights are off.

    Args:
        trainable: A class.
        space: Of its config.
        folder: Where database and results go.
        trials: How many.
        sampler: Proposes the configs; None: Optuna's own choice.
    """
    os.environ.pop("TUNE_MAX_PENDING_TRIALS_PG", None)  # as Ray has it by itself
    folder.mkdir(exist_ok=True)
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'plain.db'}")
    search = OptunaSearch(
        metric="value", mode="max", sampler=sampler, storage=storage, study_name="plain"
    )
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(search_alg=search, num_samples=trials, reuse_actors=True),
        run_config=tune.RunConfig(
            name="plain",
            storage_path=str(folder / "ray"),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    )
    results = tuner.fit()
    assert len(results) == trials
    assert not results.errors, results.errors[0]


def trial_trainable(spec: StudySpec, artifacts: Path) -> Any:
    """dgsearch's own trial code as a class trainable that shares nothing.

    Args:
        spec: The study; what its design varies, and `seed`, comes from the config.
        artifacts: Folder of the trials.
    """

    class Plain(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            torch.set_num_threads(1)
            self.reset_config(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            varied = {name: new_config[name] for name in spec.design.vary}
            job = TrialJob(
                study=self.trial_id,
                number=0,
                method=spec.method,
                values=find_method(spec.method).space.resolve({**spec.hyperparameters, **varied}),
                seed=new_config["seed"],
                data=spec.data,
                artifacts=str(artifacts),
                share=False,
            )
            self._reports = Trial(job, torch.device("cpu"), checkpoint_s=1e9).reports()
            return True

        def step(self) -> dict[str, Any]:
            report = next(report for report in self._reports if report.last)
            return {"value": report.value, "done": report.stage_epoch >= report.stage_epochs}

    return Plain
