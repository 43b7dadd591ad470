"""What a trial asks of Ray: cores, and a share of an accelerator measured from the first trial."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass

from dgsearch.database.recorder import Ending
from dgsearch.endings import StopReason
from dgsearch.errors import DgsearchError
from dgsearch.runner.queue import Begun, TrialQueue
from dgsearch.runner.slots import Machine, trials_at_a_time
from dgsearch.study import Resources
from dgsearch.trainable.reports import EpochReport

logger = logging.getLogger(__name__)

_MARGIN = 1.25  # other hyperparameters may need more than the first trial did
_CONTEXT_MB = 600.0  # what a process takes on a device besides its tensors


@dataclass(frozen=True)
class MemoryUse:
    """Memory of a trial on its device.

    Attributes:
        peak_mb: The most that its tensors took.
        device_mb: What the device has; 0 on a CPU.
    """

    peak_mb: float
    device_mb: float


def trials_per_device(use: MemoryUse, *, cores: int, devices: int, cpus: float) -> int:
    """How many trials share a device: as many as memory and cores allow, at least one.

    Args:
        use: Of the first trial.
        cores: Of the cluster.
        devices: Of the cluster.
        cpus: Cores that a trial asks for.
    """
    by_memory = math.floor(use.device_mb / (use.peak_mb * _MARGIN + _CONTEXT_MB))
    by_cores = math.floor(cores / max(cpus, 1e-9) / max(devices, 1))
    return max(1, min(by_memory, by_cores))


def known_share(resources: Resources) -> float | None:
    """The share of a device for each trial, or None where it has to be measured."""
    if resources.gpus != "auto":
        return float(resources.gpus)
    return None if _cluster("GPU") else 0.0


def measured_share(use: MemoryUse | None, resources: Resources) -> float:
    """The share of a device for each trial, from what the first trial took."""
    if use is None or not use.device_mb:
        return 1.0
    return 1.0 / trials_per_device(
        use, cores=_cluster("CPU"), devices=_cluster("GPU"), cpus=resources.cpus
    )


def warn_of_graphs(resources: Resources, gpus: float | None) -> None:
    """Say that nothing is recorded where trials have no device; None: it is not known yet."""
    if resources.graphs == "on" and gpus == 0:
        logger.warning(
            'resources.graphs = "on" records steps on CUDA devices; trials have none here and run '
            "operation by operation"
        )


def cluster_slots(resources: Resources, gpus: float) -> int:
    """`trials_at_a_time` on the cluster that this process has joined."""
    return trials_at_a_time(resources, gpus=gpus, machines=_machines())


def _cluster(kind: str) -> int:
    import ray

    return int(ray.cluster_resources().get(kind, 0))


def _machines() -> list[Machine]:
    """The machines of the cluster that live."""
    import ray

    offered = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [Machine(each.get("CPU", 0), each.get("GPU", 0)) for each in offered]


def check_fits(resources: Resources) -> None:
    """Refuse what no machine of the cluster has: such a trial would wait for ever.

    Raises:
        DgsearchError: If no machine has as many cores or devices as one trial asks for.
    """
    gpus = 0.0 if resources.gpus == "auto" else float(resources.gpus)
    machines = _machines()
    if not any(each.cores >= resources.cpus and each.devices >= gpus for each in machines):
        most = [max(offered) for offered in zip(*machines, strict=True)]
        raise DgsearchError(
            f"resources: cpus = {resources.cpus:g} and gpus = {gpus:g} for one trial: no machine "
            f"has that many; the largest has {most[0]:g} cores and {most[1]:g} GPUs"
        )


class FirstTrial:
    """The first trial of a queue, alone, so that its memory can be measured."""

    def __init__(self, queue: TrialQueue) -> None:
        """Take one trial of `queue`."""
        self._queue = queue
        self._begun = False
        self._running = False

    @property
    def exhausted(self) -> bool:
        """Whether the first trial was begun and has ended."""
        return (self._begun and not self._running) or self._queue.exhausted

    @property
    def total(self) -> int:
        """One."""
        return min(1, self._queue.total)

    def begin_next(self) -> Begun | None:
        """The first trial; None after it."""
        if self._begun:
            return None
        begun = self._queue.begin_next()
        if begun is not None:
            self._begun = self._running = True
        return begun

    def provided(self, begun: Begun, stages: Iterable[str]) -> None:
        """Pass it on."""
        self._queue.provided(begun, stages)

    def trained(self, begun: Begun, report: EpochReport) -> None:
        """Pass it on."""
        self._queue.trained(begun, report)

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Pass it on; if the trial was interrupted, the next one may be the first."""
        self._running = False
        self._begun = ending.stop_reason != StopReason.INTERRUPTED
        self._queue.ended(begun, ending)
