"""How much the driver grows with each trial of a study."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial

from dgsearch.designs.points import Configuration, PlannedTrial
from dgsearch.methods.registry import find_method
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun, PlannedQueue
from dgsearch.runner.search import QueueSearcher, Recording
from dgsearch.trainable.evaluation import Score
from dgsearch.trainable.reports import EpochReport, StageUse, TrialJob
from tests.fakes import DISTRIBUTIONS, FakeStudy

FIRST, LAST = 100, 200  # trials: after the first ones caches are full
GROWTH_KB = 5.0  # a trial: 9 MB of the 20 MB that 1,800 trials may take


def _report(epoch: int) -> EpochReport:
    """An epoch of three, with scores on two domains."""
    scores = tuple(
        Score(split, domain, metric, epoch / 4)
        for split, domain in (("validation", "scan"), ("test", "photo"), ("test", "street"))
        for metric in ("accuracy", "loss")
    )
    uses = (StageUse("pretrain", "k", taken=True, seconds=0.1, saved_s=1.0),)
    return EpochReport("classifier", epoch, 3, True, epoch / 4, scores, 1.0 * epoch, stages=uses)


def _result(epoch: int) -> dict[str, Any]:
    return {
        "reports": [_report(epoch).to_json()],
        "wall_s": 1.0 * epoch,
        "device": "cpu",
        "host": "a-host",
        "device_memory_mb": 0.0,
        "done": epoch == 3,
    }


def _train(searcher: QueueSearcher, recording: Recording) -> Iterator[Trial]:
    """Each trial of the queue as Ray Tune trains it, to its end; Ray keeps every one."""
    known: list[Trial] = []
    while True:
        trial = Trial("a", stub=True)
        job = searcher.suggest(trial.trial_id)
        assert isinstance(job, dict), job
        trial.config = job
        known.append(trial)
        recording.on_trial_start(1, known, trial)
        for epoch in (1, 2, 3):
            result = _result(epoch)
            trial.run_metadata.update_metric("value", epoch / 4)
            trial.run_metadata.last_result = result
            recording.on_trial_result(1, known, trial, result)
        searcher.on_trial_complete(trial.trial_id)
        recording.on_trial_complete(1, known, trial)
        trial.status = Trial.TERMINATED
        recording.on_step_end(1, known)
        yield trial


def _erm(count: int) -> list[PlannedTrial]:
    """Trials of the first method that others are compared with, each at a rate of its own."""
    space = find_method("erm").space
    rates = [1e-4 * (1 + place) for place in range(count)]
    return [
        PlannedTrial(Configuration("erm", space.resolve({"lr": rate}), ("lr",)), 0)
        for rate in rates
    ]


def test_the_driver_grows_by_little_with_each_trial(database: str, tmp_path: Path) -> None:
    study = FakeStudy(database)
    queue = PlannedQueue(_erm(LAST + 1), {}, study.recorder, DISTRIBUTIONS)

    def job(begun: Begun) -> TrialJob:
        configuration, seed = begun.planned.configuration, begun.planned.seed
        number, values = begun.started.number, configuration.values
        return TrialJob("fake", number, "erm", values, seed, study.spec.data, str(tmp_path))

    searcher = QueueSearcher(queue, job, cpus=1.0)
    progress = Progress("fake", total=LAST, done=0)
    recording = Recording(
        searcher, study.recorder, progress, spec=study.spec, on_tick=lambda: None, cuts={}
    )
    trained = _train(searcher, recording)
    held: dict[int, int] = {}
    tracemalloc.start()
    try:
        for number, _ in zip(range(1, LAST + 1), trained, strict=False):
            if number in (FIRST, LAST):
                gc.collect()
                held[number] = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    grown_kb = (held[LAST] - held[FIRST]) / (LAST - FIRST) / 1000
    assert grown_kb < GROWTH_KB
