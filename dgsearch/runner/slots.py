"""How many trials of a study fit side by side on so many cores and devices."""

from __future__ import annotations

import math

from dgsearch.study import Resources


def trials_at_a_time(resources: Resources, *, gpus: float, cores: int, devices: int) -> int:
    """How many trials of a study run side by side, at least one.

    Args:
        resources: Of the study.
        gpus: Share of a device for each trial; 0 for the CPU alone.
        cores: That there are.
        devices: That there are.
    """
    fit = math.floor(cores / resources.cpus)
    if gpus:
        fit = min(fit, _fitting(gpus, devices))
    return max(1, min(fit, resources.concurrent or fit))


def _fitting(gpus: float, devices: int) -> int:
    """How many trials find their devices: a share lies on one device, never across two."""
    if gpus > 1:
        return math.floor(devices / gpus)
    return math.floor(1 / gpus + 1e-9) * devices
