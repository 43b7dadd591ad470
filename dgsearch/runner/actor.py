"""A trial inside a Ray actor: a step is a bundle of epochs.

The driver handles some hundred results a second, for all workers together; a worker waits
for it after each. An epoch of a small study takes less than that costs on a large cluster.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from ray.tune import Trainable

from dgsearch.environment import seconds
from dgsearch.methods.determinism import set_deterministic
from dgsearch.methods.graphs import ask_for_graphs
from dgsearch.methods.registry import find_method
from dgsearch.runner.devices import device_memory_mb, devices_name, take_first
from dgsearch.study import DataSpec
from dgsearch.trainable.border import NAME_CHARACTERS, described_failure, storable_text
from dgsearch.trainable.captured_warnings import capture_warnings
from dgsearch.trainable.patience import OF_THE_PROCESS
from dgsearch.trainable.process_state import ProcessState
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial

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
    except BaseException as error:
        if waiting and not isinstance(error, GeneratorExit):  # which no `yield` may answer
            yield waiting
        raise


@dataclass(frozen=True)
class Carried:
    """Plain data that nobody changes, which Ray Tune would copy three times a trial.

    Attributes:
        data: What is carried.
    """

    data: dict[str, Any]

    def __deepcopy__(self, memo: dict[int, Any]) -> Carried:
        """Itself."""
        return self


def job_to_config(
    job: TrialJob, *, cpus: float, memory_share: float = 1.0, every_epoch: bool = False
) -> dict[str, Any]:
    """The job as Ray carries it: plain data.

    Args:
        job: What to train.
        cpus: Cores of the trial; as many threads.
        memory_share: Share of a device's memory that the process may take.
        every_epoch: Whether each epoch of the last stage is reported by itself.
    """
    plain = {**vars(job), "values": dict(job.values), "data": job.data.model_dump()}
    return {
        "job": Carried(plain),
        "cpus": cpus,
        "memory_share": memory_share,
        "every_epoch": every_epoch,
    }


def job_from_config(config: dict[str, Any]) -> TrialJob:
    """The job that `job_to_config` described."""
    job = config["job"].data
    return TrialJob(**{**job, "data": DataSpec(**job["data"])})


class TrialActor(Trainable):
    """Ray's class API around `Trial`; actors are reused from trial to trial.

    A trial that fails reports its error as its last result, so that the driver records it
    and the actor goes on with the next trial.
    """

    _process: ProcessState | None = None  # as it was before any method ran
    _bundles: Iterator[list[EpochReport]] | None

    def setup(self, config: dict[str, Any]) -> None:
        """Take on the first trial."""
        torch.set_num_threads(max(1, int(config["cpus"])))
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take on the next trial."""
        self._take(new_config)
        return True

    def reset(self, new_config: dict[str, Any], storage: Any = None) -> bool:
        """Undo what the trial before has changed of the process, then take on the next one.

        Before Ray Tune does anything: it asks for the current folder, which may be gone.
        """
        if self._process is not None:
            self._process.restore()
        of_tune: Any = super()
        taken: bool = of_tune.reset(new_config, storage=storage)
        return taken

    def take_and_train(self, config: dict[str, Any], storage: Any) -> dict[str, Any]:
        """Take on the next trial, and give its first result."""
        of_tune: Any = self
        of_tune.reset(config, storage=storage)
        first: dict[str, Any] = of_tune.train()
        return first

    def let_go(self) -> None:
        """Give back what the trial has claimed: it was stopped, and no other one may come."""
        self._bundles = None

    def step(self) -> dict[str, Any]:
        """Train until there is something to report."""
        try:
            with capture_warnings(self._noticed):
                reports = self._advance()
            return self._result(reports)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            return _failure(error)
        except OSError as error:
            if error.errno in OF_THE_PROCESS:
                raise  # Ray Tune ends a worker that raises, and the trial gets another one
            return _failure(error)
        # Ray blocks Ctrl-C in its workers, so that KeyboardInterrupt comes from the method too.
        except BaseException as error:  # noqa: BLE001 - whatever a method raises is recorded
            return _failure(error)

    def _take(self, config: dict[str, Any]) -> None:
        self._started_at = time.perf_counter()
        self._config = config
        self._bundles = None
        self._noticed: dict[str, None] = {}  # texts that were warned of, each once

    def _advance(self) -> list[EpochReport]:
        if self._bundles is None:
            set_deterministic(on=bool(self._config.get("deterministic")))
            ask_for_graphs(on=bool(self._config.get("graphs")))
            device = take_first(self._config["memory_share"])
            every = seconds("DGSEARCH_CHECKPOINT_S")
            job = job_from_config(self._config)
            find_method(job.method)  # imports plug-ins: what they set for all trials stays
            self._process = self._process or ProcessState()
            trial = Trial(job, device, checkpoint_s=every)
            self._bundles = bundled(trial.reports(), every_epoch=self._config["every_epoch"])
        reports = next(self._bundles, None)
        if reports is None:
            raise RuntimeError("the trial was asked for an epoch after its last one")
        return reports

    def _result(self, reports: list[EpochReport]) -> dict[str, Any]:
        noticed = map(storable_text, self._noticed)
        told = tuple(dict.fromkeys((*reports[-1].warnings, *noticed)))
        report = reports[-1] = replace(reports[-1], warnings=told)
        result: dict[str, Any] = {
            "reports": [each.to_json() for each in reports],
            "wall_s": time.perf_counter() - self._started_at - report.aside_s,
            "device": storable_text(devices_name())[:NAME_CHARACTERS],
            "device_memory_mb": device_memory_mb(),
            "host": storable_text(socket.gethostname())[:NAME_CHARACTERS],
        }
        if report.last:
            result |= {"epoch": report.stage_epoch, "value": report.value}
            result["done"] = report.stage_epoch >= report.stage_epochs
        return result


def _failure(error: BaseException) -> dict[str, Any]:
    return {"failure": described_failure(error), "done": True}
