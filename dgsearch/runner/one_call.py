"""A worker that goes on with another trial is asked once: to take it and to train it.

Ray Tune asks it to take the trial, waits for the answer, and only then asks it to train (2.60).
The worker idles meanwhile, and where trials are short that is half of all calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune.execution.tune_controller import TuneController

from dgsearch.runner.replacing import replaced

_TAKE, _TRAIN, _ASK = "_schedule_trial_reset", "_schedule_trial_train", "_schedule_trial_task"
_BOTH = "take_and_train"  # of `TrialActor`


@contextmanager
def one_call() -> Iterator[None]:
    """Let Ray Tune ask for both at once; a worker that cannot take a trial fails in it."""
    take: Callable[..., None] = getattr(TuneController, _TAKE)
    train: Callable[..., None] = getattr(TuneController, _TRAIN)
    asked: dict[Any, dict[str, Any]] = {}  # by trial: what a worker is asked to take it with

    def taken(controller: Any, trial: Any, *rest: Any) -> None:
        if trial not in controller._staged_trials:  # Tune counts it as begun only later
            take(controller, trial, *rest)
            return
        with replaced(controller, _ASK, lambda **call: asked.update({call["trial"]: call})):
            take(controller, trial, *rest)
        controller._on_trial_reset(trial, True)

    def trained(controller: Any, trial: Any) -> None:
        call = asked.pop(trial, None)
        if call is None:
            train(controller, trial)
            return
        call |= {"method_name": _BOTH, "on_result": controller._on_training_result}
        controller._schedule_trial_task(**call)

    with replaced(TuneController, _TAKE, taken), replaced(TuneController, _TRAIN, trained):
        yield
