"""Trials that nobody trains: their values follow from configuration and seed; there is no Ray."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from dgsearch.database.recorder import Ending, Epoch
from dgsearch.designs.points import PlannedTrial
from dgsearch.runner import tune
from dgsearch.runner.lost_ray import RayKeeper
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import TrialQueue

__all__ = ["COMMAND", "trained_by_nobody"]

# Code that a process runs first.
COMMAND = (
    "from tests.runner.fake_execution import trained_by_nobody\n"
    "nobody = trained_by_nobody(); nobody.__enter__()"
)


def value_of(trial: PlannedTrial) -> float:
    """0.5, less 0.1 for a rate below 1e-4, and a little noise."""
    values = trial.configuration.values
    noise = random.Random(f"{trial.configuration.config_id} {trial.seed}").gauss(0, 0.005)
    return 0.5 - 0.1 * (float(values["lr"]) < 1e-4) + noise


def _execute(run: Any, queue: TrialQueue, halving: Any, progress: Progress) -> int:
    """What `_StudyRun._execute` does."""
    begun = 0
    while not queue.exhausted:
        run._tick(queue, progress)
        trial = queue.begin_next()
        if trial is None:
            time.sleep(0.01)
            continue
        begun += 1
        value, row = value_of(trial.planned), trial.started.trial_id
        data = run._spec.data
        scores = [("validation", "+".join(data.source), "accuracy", value)]
        scores += [("test", target, "accuracy", value) for target in data.targets]
        progress.begun(trial.started.number)
        run._recorder.report(row, [Epoch(1, value, scores)], {"wall_s": 1.0, "device": "cpu"})
        ending = Ending("COMPLETE", "finished", value=value, selected_epoch=1)
        run._recorder.end(row, ending)
        queue.ended(trial, ending)
        progress.ended(trial, ending)
    return begun


@contextmanager
def trained_by_nobody() -> Iterator[None]:
    """Every study of this process runs so meanwhile."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(tune._StudyRun, "_execute", _execute))
        stack.enter_context(patch.object(tune, "check_fits", lambda _: None))
        stack.enter_context(patch.object(RayKeeper, "start", lambda *_: None))
        stack.enter_context(patch.object(RayKeeper, "check", lambda _: None))
        yield
