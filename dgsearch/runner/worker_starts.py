"""Workers that are starting are left to start, however short the trials of the others are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune.execution.tune_controller import TuneController

from dgsearch.runner.replacing import replaced

_REUSE = "_maybe_reuse_cached_actor"


@contextmanager
def unbroken_starts() -> Iterator[None]:
    """Give a worker that has become free a trial for which no worker is starting, if there is one.

    Ray Tune gives it the trial that has waited longest and ends the worker that starts for that
    one (2.60). A worker takes seconds to start: where trials are shorter, none but the first ever
    gets so far, and a process is begun and killed for each trial.
    """
    original: Callable[..., bool] = getattr(TuneController, _REUSE)

    def reuse(controller: Any, trial: Any) -> bool:
        owned = controller._trial_to_actor
        if trial in owned and any(other not in owned for other in controller._pending_trials):
            return False
        return original(controller, trial)

    with replaced(TuneController, _REUSE, reuse):
        yield
