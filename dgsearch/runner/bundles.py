"""Epochs on their way to the driver: short ones together, so that it is not asked for each.

The driver handles some hundred results a second, for all workers together; a worker waits
for it after each. An epoch of a small study takes less than that costs on a large cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from dgsearch.trainable.reports import EpochReport

__all__ = ["bundled"]

_BUNDLE_S = 1.0  # about so often a worker reports


def bundled(
    reports: Iterator[EpochReport],
    *,
    every_epoch: bool,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[list[EpochReport]]:
    """The reports of a trial in bundles, none empty.

    A bundle is given out after about a second, with the trial's last epoch, and as soon as a
    stage is stored for which other trials may wait. It holds every epoch of the last stage,
    but of the stages before it the latest one alone. If the trial fails, the epochs before that
    come first, then its error is raised.

    Args:
        reports: Of the trial.
        every_epoch: Whether each epoch of the last stage is decided on before the next.
        now: Seconds on a clock.
    """
    waiting: list[EpochReport] = []
    stages = 0
    deadline = now() + _BUNDLE_S
    try:
        for report in reports:
            if waiting and not waiting[-1].last:
                waiting.pop()
            waiting.append(report)
            at_once = report.last and (every_epoch or report.stage_epoch >= report.stage_epochs)
            if at_once or len(report.stages) > stages or now() >= deadline:
                yield waiting
                waiting, stages, deadline = [], len(report.stages), now() + _BUNDLE_S
    except Exception:
        if waiting:
            yield waiting
        raise
