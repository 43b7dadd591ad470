"""Which trials' stages one worker trains together: `fuse` of `[resources]`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.base import Stage
from dgsearch.methods.registry import find_method
from dgsearch.trainable.keys import is_fused

_AUTO = 32  # members of a cohort; more gain little on a CPU


class Room(NamedTuple):
    """Where trials train: the kind of device, "cpu" or "cuda", and how many at a time."""

    device: str
    slots: int


class Fusing:
    """What makes stages of several trials one program, and how many of them train together."""

    def __init__(self, fuse: str | int, look: Callable[[], Room]) -> None:
        """Follow `fuse`.

        Args:
            fuse: "auto" or the most members of a cohort.
            look: Finds where trials train; asked when the first one begins, since a queue is
                there before its cluster. No cohort is so large that a slot is idle.
        """
        self._fuse, self._look = fuse, look
        self._most = _AUTO if isinstance(fuse, str) else fuse
        self._programs: dict[tuple[str, int], Mapping[str, str]] = {}
        self._last: dict[tuple[str, int], str | None] = {}

    @cached_property
    def _room(self) -> Room:
        return self._look()

    def programs(self, trial: PlannedTrial) -> Mapping[str, str]:
        """Of each shared stage that is fused, by its name; equal ones can train together."""
        if trial.key not in self._programs:
            self._programs[trial.key] = {
                stage.name: _program(stage, trial) for stage in self._fused(trial)
            }
        return self._programs[trial.key]

    def last_program(self, trial: PlannedTrial) -> str | None:
        """Of its last stage; None: it is trained by itself."""
        if trial.key not in self._last:
            stage, values = _stages(trial)[-1], trial.configuration.values
            fused = is_fused(stage, values, fuse=self._fuse, device=self._room.device)
            self._last[trial.key] = _program(stage, trial) if fused else None
        return self._last[trial.key]

    def before(self, trial: PlannedTrial, stage: str) -> Sequence[str]:
        """Names of the stages whose products a stage of the trial reads."""
        stages = _shared(trial)
        names = [one.name for one in stages]
        place = names.index(stage)
        after = stages[place].after
        return names[:place] if after is None else after

    def beside_at_most(self, fitting: int, *, running: int) -> int:
        """How many a trial takes along, so that each free slot gets some.

        Args:
            fitting: Waiting trials that it could take.
            running: Trials that run, itself among them.
        """
        free = max(1, self._room.slots - running + 1)  # its own slot is one of them
        return min(self._most, math.ceil((1 + fitting) / free)) - 1

    def cohorts(self, fitting: int) -> int:
        """How many cohorts as many trials of one program make where nothing else runs."""
        return min(fitting, max(self._room.slots, math.ceil(fitting / self._most)))

    def _fused(self, trial: PlannedTrial) -> list[Stage]:
        values = trial.configuration.values
        return [
            stage
            for stage in _shared(trial)
            if is_fused(stage, values, fuse=self._fuse, device=self._room.device)
        ]


def last_stage(trial: PlannedTrial) -> str:
    """Name of the last stage of a trial."""
    return _stages(trial)[-1].name


def _shared(trial: PlannedTrial) -> tuple[Stage, ...]:
    return _stages(trial)[:-1]


def _stages(trial: PlannedTrial) -> tuple[Stage, ...]:
    configuration = trial.configuration
    return find_method(configuration.method).stages(configuration.values)


def _program(stage: Stage, trial: PlannedTrial) -> str:
    assert stage.fusable is not None
    values: dict[str, Any] = stage.values_of(trial.configuration.values)
    fixed = {name: value for name, value in values.items() if name not in stage.fusable.over}
    return json.dumps([trial.configuration.method, stage.version, sorted(fixed.items())])
