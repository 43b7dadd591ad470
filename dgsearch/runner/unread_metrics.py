"""What Ray Tune asks every worker twice a trial and nobody here reads is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune.experiment import Trial

from dgsearch.runner.replacing import replaced

_GIVEN = "set_ray_actor"


@contextmanager
def no_unread_metrics() -> Iterator[None]:
    """Let a trial take its worker without asking it for its node, process and time.

    Ray Tune asks when the trial is given a worker and again when that has started, for what it
    shows of a trial that has not reported (2.60). Each is a call to the worker and an answer:
    half of all calls of a trial that is short.
    """

    def given(trial: Any, ray_actor: Any) -> None:
        trial.temporary_state.ray_actor = ray_actor

    with replaced(Trial, _GIVEN, given):
        yield
