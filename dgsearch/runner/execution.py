"""A queue of trials handed to Ray Tune until it is empty."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import ray
from ray import tune
from ray.tune import CheckpointConfig, RunConfig, TuneConfig, Tuner

from dgsearch.database.recorder import StudyRecorder
from dgsearch.runner.actor import TrialActor
from dgsearch.runner.halving import RecordedHalving
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun, TrialQueue
from dgsearch.runner.search import QueueSearcher, Recording
from dgsearch.study import Halving, Resources, StudySpec
from dgsearch.trainable.reports import TrialJob

__all__ = ["Executor", "execute"]


@dataclass(frozen=True)
class Executor:
    """What does not change from one queue of a study to the next.

    Attributes:
        spec: The study; its resources and selection apply.
        recorder: Writes to the database.
        make_job: Describes a trial to an actor.
        on_tick: Called several times a second; may raise KeyboardInterrupt to stop.
    """

    spec: StudySpec
    recorder: StudyRecorder
    make_job: Callable[[Begun], TrialJob]
    on_tick: Callable[[], None]


def execute(
    queue: TrialQueue, executor: Executor, *, halving: Halving | None, progress: Progress
) -> int:
    """Train every trial of the queue.

    Args:
        queue: Gives the trials.
        executor: Study, recorder and what they need.
        halving: When trials are cut short; None: never.
        progress: Shows what happens.

    Returns:
        How many trials were begun.
    """
    spec = executor.spec
    asha = None if halving is None else RecordedHalving(halving, max_epochs=_epochs(spec))
    searcher = QueueSearcher(queue, executor.make_job, cpus=spec.resources.cpus)
    recording = Recording(
        searcher,
        executor.recorder,
        progress,
        selection=spec.selection,
        on_tick=executor.on_tick,
        cuts={} if asha is None else asha.cuts,
    )
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    folder = tempfile.mkdtemp(prefix="dgsearch-")
    try:
        tuner = Tuner(
            tune.with_resources(TrialActor, _resources(spec.resources)),
            tune_config=TuneConfig(
                search_alg=searcher,
                scheduler=asha,
                num_samples=-1,
                max_concurrent_trials=spec.resources.concurrent,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=RunConfig(
                name="study",
                storage_path=folder,
                callbacks=[recording],
                checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own deprecations concern nothing of ours
            tuner.fit()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return len(searcher.begun)


def _epochs(spec: StudySpec) -> int:
    """Epochs of the last stage of a trial that is never stopped."""
    from dgsearch.methods.registry import find_method

    epochs = find_method(spec.method).space.resolve(spec.hyperparameters)["epochs"]
    return int(epochs)


def _resources(resources: Resources) -> dict[str, float]:
    """What one trial asks of Ray."""
    gpus = resources.gpus
    if gpus == "auto":
        gpus = 1.0 if ray.cluster_resources().get("GPU", 0) else 0.0
    return {"cpu": resources.cpus, "gpu": float(gpus)}
