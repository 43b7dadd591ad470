"""How many trials of a study fit side by side on machines with so many cores and devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dgsearch.study import Resources

_UNIT = 10_000  # Ray counts resources in ten-thousandths, and cuts what is finer
_ROUNDING = 1e-6  # of a unit: 0.29 * 10,000 is a little below 2,900


class Machine(NamedTuple):
    """What a machine offers.

    Attributes:
        cores: That trials may use.
        devices: Accelerators.
    """

    cores: float
    devices: float = 0


def trials_at_a_time(resources: Resources, *, gpus: float, machines: Iterable[Machine]) -> int:
    """How many trials of a study run side by side, at least one.

    A trial lies on one machine, and a share on one device: neither is put together from rests.

    Args:
        resources: Of the study.
        gpus: Share of a device for each trial, or whole devices; 0 for the CPU alone.
        machines: Those there are.
    """
    fit = sum(_fitting(machine, resources.cpus, gpus) for machine in machines)
    return max(1, min(fit, resources.concurrent or fit))


def _fitting(machine: Machine, cpus: float, gpus: float) -> int:
    """How many trials one machine holds."""
    by_cores = _units(machine.cores) // max(1, _units(cpus))
    if not gpus:
        return by_cores
    share, devices = max(1, _units(gpus)), int(machine.devices)
    by_devices = devices * _UNIT // share if share > _UNIT else _UNIT // share * devices
    return min(by_cores, by_devices)


def _units(amount: float) -> int:
    return int(amount * _UNIT + _ROUNDING)
