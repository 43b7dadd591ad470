"""Waiting trials whose last stage others train ahead, and how far it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from dgsearch.database.recorder import Ending
from dgsearch.designs.points import PlannedTrial
from dgsearch.endings import StopReason
from dgsearch.runner.fusing import Fusing
from dgsearch.trainable.reports import EpochReport

_DONE = "done"
_Key = tuple[str, int]


class _HasTrial(Protocol):
    @property
    def trial(self) -> PlannedTrial: ...


Entry = TypeVar("Entry", bound=_HasTrial)


class HeldBack(Generic[Entry]):
    """Entries of a queue that do not begin while another trial trains their last stage.

    Trials train together from the same epoch alone. Where that epoch is not known, after a
    worker died, those that trained together still have the same one.
    """

    def __init__(self, fusing: Fusing) -> None:
        """Follow `fusing`."""
        self._fusing = fusing
        self._held: dict[_Key, dict[int, Entry]] = {}  # by the trial that trains them: by place
        self._stands: dict[_Key, int | str] = {}  # epoch of the last stage, a mark, or "done"
        self._reported: dict[_Key, int | str] = {}  # the same, of trials that run

    def fits(self, trial: PlannedTrial, beside: PlannedTrial) -> bool:
        """Whether the last stage of a trial can be trained beside that of another."""
        program = self._fusing.last_program(beside)
        at = self._stands.get(beside.key, 0)
        if program is None or at == _DONE:
            return False
        if self._stands.get(trial.key, 0) != at:
            return False
        return self._fusing.last_program(trial) == program

    def hold(
        self, leader: PlannedTrial, ready: Sequence[Entry], *, fitting: int, running: int
    ) -> list[Entry]:
        """Hold back those that a trial trains along; returns them.

        Args:
            leader: It is about to begin.
            ready: Those that it could train, the first ones first.
            fitting: How many fit it, with those that still need a shared stage.
            running: Trials that run, this one among them.
        """
        most = self._fusing.beside_at_most(fitting, running=running)
        taken = list(ready[:most])
        self._held[leader.key] = dict(enumerate(taken))
        return taken

    def trained(self, leader: PlannedTrial, report: EpochReport) -> list[Entry]:
        """Hear of an epoch of a last stage; returns those that are trained along no longer."""
        is_done = report.stage_epoch >= report.stage_epochs
        self._reported[leader.key] = _DONE if is_done else report.stage_epoch
        back = []
        for place, epoch in report.parted:
            entry = self._held.get(leader.key, {}).pop(place, None)
            if entry is not None:
                done = epoch >= report.stage_epochs
                self._stands[entry.trial.key] = _DONE if done else epoch
                back.append(entry)
        return back

    def ended(self, leader: PlannedTrial, ending: Ending) -> list[Entry]:
        """Hear how a trial ended; returns those that it trained along."""
        at = self._reported.pop(leader.key, None)
        back = list(self._held.pop(leader.key, {}).values())
        if at is None:  # it did not come to its last stage
            return back
        if ending.stop_reason not in (StopReason.FINISHED, StopReason.HALVED):
            at = "/".join(map(str, leader.key))  # wherever the last checkpoints are
            self._stands[leader.key] = at
        for entry in back:
            self._stands[entry.trial.key] = at
        return back
