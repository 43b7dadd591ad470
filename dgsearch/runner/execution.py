"""A queue of trials handed to Ray Tune until it is empty.

A worker that Ray's memory monitor kills ends its trial, not the study.
"""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ray import tune
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune import (
    CheckpointConfig,
    CLIReporter,
    PlacementGroupFactory,
    RunConfig,
    TuneConfig,
    Tuner,
)
from ray.tune.error import TuneError

from dgsearch.database.halving_records import Judged
from dgsearch.database.recorder import StudyRecorder
from dgsearch.runner.actor import TrialActor
from dgsearch.runner.bare_ray import own_environment
from dgsearch.runner.halving import RecordedHalving
from dgsearch.runner.one_call import one_call
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun, TrialQueue
from dgsearch.runner.replacing import replaced
from dgsearch.runner.resources import MemoryUse, cluster_slots
from dgsearch.runner.search import QueueSearcher, Recording, StopTaken
from dgsearch.runner.tune_registry import remembered_registry
from dgsearch.runner.unread_metrics import no_unread_metrics
from dgsearch.runner.worker_starts import unbroken_starts
from dgsearch.study import Halving, Range, StudySpec
from dgsearch.trainable.reports import TrialJob

_HANDLER = "_actor_task_failed"


@contextmanager
def memory_kills(heard: Callable[[], None]) -> Iterator[None]:
    """Let Ray Tune take a worker killed for memory as a worker that died.

    Its manager of actors knows two kinds of errors and raises a third one, `OutOfMemoryError`,
    through the whole run (Ray 2.60).

    Args:
        heard: Called just before Ray Tune hears that the worker died.
    """
    original: Callable[..., None] = getattr(RayActorManager, _HANDLER)

    def failed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            heard()
            exception = RayActorError(error_msg=str(exception))
        original(manager, tracked_actor_task=tracked_actor_task, exception=exception)

    with replaced(RayActorManager, _HANDLER, failed):
        yield


@contextmanager
def errors_as_raised() -> Iterator[None]:
    """Let what the recording of a trial raises reach the caller as itself.

    Ray Tune raises a text of its traceback in its place (2.60).
    """
    try:
        yield
        return
    except TuneError as error:
        cause = error.__context__ or error
    raise cause


@dataclass(frozen=True)
class Executor:
    """What does not change from one queue of a study to the next.

    Attributes:
        spec: The study; its resources and selection apply.
        recorder: Writes to the database.
        make_job: Describes a trial to an actor.
        on_tick: Called several times a second; may raise KeyboardInterrupt to stop.
        judged: What halving has seen of earlier attempts, to go on from.
        grows: Whether there may be more cores later than now, as in a cluster that was joined.
    """

    spec: StudySpec
    recorder: StudyRecorder
    make_job: Callable[[Begun], TrialJob]
    on_tick: Callable[[], None]
    judged: Callable[[], Mapping[str, Judged]]
    grows: bool = True


@dataclass(frozen=True)
class Executed:
    """What came of a queue.

    Attributes:
        begun: How many trials were begun.
        memory: The most memory that one of them took; None if none reported.
    """

    begun: int
    memory: MemoryUse | None


def execute(
    queue: TrialQueue,
    executor: Executor,
    *,
    halving: Halving | None,
    progress: Progress,
    gpus: float = 0.0,
) -> Executed:
    """Train every trial of the queue.

    Args:
        queue: Gives the trials.
        executor: Study, recorder and what they need.
        halving: When trials are cut short; None: never.
        progress: Shows what happens.
        gpus: Share of a device for each trial; 1 for one that ran out of memory before.

    Raises:
        ArtifactFolderError: If the artifacts stay full, away or inaccessible; no trial is blamed.
    """
    spec = executor.spec
    asha = _halving(executor, halving)
    executor.recorder.judged = asha is not None
    searcher = QueueSearcher(
        queue,
        executor.make_job if asha is None else partial(_with_rungs, executor.make_job, asha),
        cpus=spec.resources.cpus,
        gpus=gpus,
        slots=cluster_slots(spec.resources, gpus),
        ahead=1 if executor.grows else 0,
        every_epoch=halving is not None,
        deterministic=spec.resources.deterministic == "on",
        graphs=spec.resources.graphs == "on",
    )
    recording = Recording(
        searcher,
        executor.recorder,
        progress,
        spec=spec,
        on_tick=executor.on_tick,
        cuts={} if asha is None else asha.cuts,
    )
    tune_config = TuneConfig(
        search_alg=searcher,
        scheduler=asha,
        num_samples=-1,
        max_concurrent_trials=spec.resources.concurrent,
        reuse_actors=True,
        trial_name_creator=lambda trial: trial.trial_id,
        trial_dirname_creator=lambda trial: trial.trial_id,
    )
    trainable = tune.with_resources(TrialActor, _resources(spec.resources.cpus, gpus))
    try:
        _fit(trainable, tune_config, recording)
    except KeyboardInterrupt:
        if recording.stopped is not None:
            raise recording.stopped from None
        raise
    return Executed(searcher.count, recording.memory)


def _halving(executor: Executor, halving: Halving | None) -> RecordedHalving | None:
    """ASHA as it stands after the trials that the database has."""
    if halving is None:
        return None
    asha = RecordedHalving(
        halving, max_epochs=_epochs(executor.spec), maximise=executor.spec.maximise
    )
    asha.recall(executor.judged())
    return asha


def _with_rungs(
    make_job: Callable[[Begun], TrialJob], asha: RecordedHalving, begun: Begun
) -> TrialJob:
    """The job of a trial; one that trains others along knows where halving decides."""
    job = make_job(begun)
    return job if job.fuse == "off" else replace(job, rungs=asha.standing())


def _fit(trainable: type, tune_config: TuneConfig, recording: Recording) -> None:
    """Let Ray Tune work in a folder that is deleted afterwards: the database has it all."""
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    folder = tempfile.mkdtemp(prefix="dgsearch-")
    run_config = RunConfig(
        name="study",
        storage_path=folder,
        callbacks=[recording],
        stop=StopTaken(recording),
        checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
        verbose=0,
        progress_reporter=CLIReporter(),  # says nothing then; in a notebook Ray would show a frame
    )
    try:
        tuner = Tuner(trainable, tune_config=tune_config, run_config=run_config)
        with (
            warnings.catch_warnings(),
            memory_kills(recording.out_of_memory),
            remembered_registry(),
            unbroken_starts(),
            no_unread_metrics(),
            one_call(),
            errors_as_raised(),
            own_environment(),
        ):
            warnings.simplefilter("ignore")  # Ray's own deprecations concern nothing of ours
            tuner.fit()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _epochs(spec: StudySpec) -> int:
    """Epochs of the last stage of the longest trial; each trial ends at its own last epoch."""
    from dgsearch.methods.registry import find_method

    item = find_method(spec.method).space["epochs"]
    varied = spec.design.vary.get("epochs", ())
    values = [varied.high] if isinstance(varied, Range) else list(varied)
    changes = getattr(spec.design, "variants", {}).values()
    values += [change["epochs"] for change in changes if "epochs" in change]
    values.append(spec.hyperparameters.get("epochs", item.default))
    return max(int(item.parse(value)) for value in values)


def _resources(cpus: float, gpus: float) -> Callable[[dict[str, Any]], PlacementGroupFactory]:
    """What a trial asks of Ray; the whole device after it ran out of memory."""

    def asked(config: dict[str, Any]) -> PlacementGroupFactory:
        share = math.ceil(gpus) if config.get("alone") else gpus
        return PlacementGroupFactory([{"CPU": cpus, "GPU": share} if gpus else {"CPU": cpus}])

    return asked
