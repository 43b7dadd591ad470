"""The last stage of a trial, in lock step with those of trials that wait for their turn.

Each of them stays a trial of its own: it is judged by itself, and what it has is written as its
checkpoint. When it begins, it finds the checkpoint and resumes as if it had been interrupted: its
epochs are reported then, and halving decides on them then. So nothing that a trial is, is known
of it before it begins.

Where halving decides, every checkpoint is written and every claim given back before this trial
reports. If it is continued, those that would be continued too, as far as is known, train on with
it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch

from dgsearch.errors import TrainingError
from dgsearch.methods.base import CannotFuse, Cohort, Fusable, Product, StageRun
from dgsearch.trainable.account import Account
from dgsearch.trainable.last_companions import LastCompanion, LastCompanions
from dgsearch.trainable.reports import Parted, TrialJob

logger = logging.getLogger(__name__)


class LastCohort:
    """The run of a last stage, with those of its companions.

    Attributes:
        own: The run of this trial.
        epochs: Of each of them.
        members: How many trained the latest epoch.
        share_s: Seconds of each member in the latest epoch.
    """

    def __init__(
        self,
        fusable: Fusable,
        begin_own: Callable[[], StageRun],
        account: Account,
        job: TrialJob,
    ) -> None:
        """Begin with this trial alone; `take` takes others along.

        Args:
            fusable: How the stage is trained together.
            begin_own: Makes this trial's run where it stands.
            account: Of this trial.
            job: Of this trial.
        """
        self._fusable, self._begin_own = fusable, begin_own
        self._account, self._rungs, self._maximise = account, job.rungs, job.maximise
        self.own = begin_own()
        self.epochs = self.own.epochs
        self._others: list[LastCompanion] = []
        self._resting: list[LastCompanion] | None = None  # unclaimed, and perhaps trained on
        self._parted: list[Parted] = []
        self._found: dict[int, Any] = {}  # what the latest epoch reported, by place
        self._cohort: Cohort | None = None
        self._has_trained = False
        self.members, self.share_s = 1, 0.0

    def take(self, companions: LastCompanions) -> None:
        """Take along those that can be trained beside this trial."""
        self._others = list(companions.found())
        self._parted += companions.parted
        self._join()

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """An epoch of all; returns what this trial's own reported.

        Raises:
            TrainingError: If this trial's own training failed. What the others have is written.
        """
        started = time.perf_counter()
        own, *others = self._trained(epoch)
        self.members = 1 + len(others)
        elapsed = time.perf_counter() - started
        self.share_s = elapsed / self.members
        self._account.aside_s += elapsed - self.share_s
        pairs = zip(self._others, others, strict=True)
        self._found = {other.place: found for other, found in pairs}
        if isinstance(own, TrainingError):
            self.judge(epoch)
            self._leave(epoch)
            raise own
        return own

    def judge(self, epoch: int) -> None:
        """Judge the others after an epoch; one that failed leaves."""
        started = time.perf_counter()
        failed = [other for other in self._others if not self._is_judged(other, epoch)]
        self._found = {}
        if failed:
            self._part(failed)
            self._others = [other for other in self._others if other not in failed]
            self._join()
        self._account.aside_s += time.perf_counter() - started

    def write(self, epoch: int) -> None:
        """Write the checkpoints of the others."""
        started = time.perf_counter()
        for other in self._others:
            if other.written != epoch:
                other.write(epoch)
        self._account.aside_s += time.perf_counter() - started

    def rest(self, epoch: int) -> None:
        """Leave every companion to whoever comes, if this epoch may be the last one here."""
        if epoch < self.epochs and epoch not in self._rungs:
            return
        self._leave(epoch)
        self._resting = [other for other in self._others if self._passes(other, epoch)]
        self._part([other for other in self._others if other not in self._resting])

    def resume(self) -> None:
        """Train on with those that were left and that nobody has taken."""
        if self._resting is None:
            return
        resting, self._resting = self._resting, None
        back = [other for other in resting if _is_claimed_again(other)]
        self._part([other for other in resting if other not in back])
        if len(back) < len(self._others):
            self._others = back
            self._join()

    def take_parted(self) -> tuple[Parted, ...]:
        """Those that have left since this was asked before."""
        parted, self._parted = tuple(self._parted), []
        return parted

    def release(self) -> None:
        """Give every claim back."""
        for other in self._others:
            other.ahead.release()

    def parts(self) -> Mapping[str, Any]:
        """Those of this trial's run."""
        return self.own.parts()

    def product(self) -> Product:
        """That of this trial's run."""
        return self.own.product()

    def _trained(self, epoch: int) -> Sequence[Mapping[str, float] | TrainingError]:
        """What an epoch of this trial and of each of the others reported."""
        while self._cohort is not None:
            try:
                with self._collecting():
                    found = self._cohort.train_epoch(epoch)
            except (CannotFuse, torch.OutOfMemoryError) as error:
                if self._has_trained or (not self._others and not isinstance(error, CannotFuse)):
                    raise
                self._shrink(error)
            else:
                self._has_trained = True
                return found
        with self._collecting():
            return [self.own.train_epoch(epoch)]

    def _collecting(self) -> ExitStack:
        """While an epoch is trained: every judge takes in what it averages."""
        judges = [self._account.judge, *(other.account.judge for other in self._others)]
        with ExitStack() as stack:
            for judge in judges:
                stack.enter_context(judge.collecting())
            return stack.pop_all()

    def _shrink(self, error: Exception) -> None:
        """After a vain attempt: begin again with half as many, or alone if it was in vain."""
        alone = isinstance(error, CannotFuse)
        kept = [] if alone else self._others[: len(self._others) // 2]
        logger.warning(
            "the last stage is trained together with %d others, not %d: %s",
            len(kept),
            len(self._others),
            error,
        )
        self._part(self._others[len(kept) :])
        self._others, self._cohort = kept, None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        for other in kept:
            other.begin()
        self.own = self._begin_own()
        if not alone:
            self._join()

    def _join(self) -> None:
        try:
            self._cohort = self._fusable.join([self.own, *(other.run for other in self._others)])
        except CannotFuse as error:
            logger.warning("the last stage is not trained together: %s", error)
            self._part(self._others)
            self._others, self._cohort = [], None

    def _is_judged(self, other: LastCompanion, epoch: int) -> bool:
        """Judge an epoch of another trial; False if that trial cannot be trained on here."""
        found = self._found[other.place]
        if isinstance(found, TrainingError):
            return False
        try:
            other.trained(epoch, found, seconds=self.share_s, members=self.members)
        except Exception as error:  # noqa: BLE001 - its own trial will meet it and record it
            logger.warning("an epoch of another trial cannot be judged here: %s", error)
            return False
        return True

    def _passes(self, other: LastCompanion, epoch: int) -> bool:
        """Whether halving would continue another trial, as far as is known here.

        At a rung where no trial was when this one began, those pass that are no worse than it.
        """
        if epoch == self.epochs:
            return False
        cutoff, value = self._rungs[epoch], other.account.history[-1].value
        if cutoff is None:
            cutoff = self._account.history[-1].value
        if value is None or cutoff is None or math.isnan(value):
            return False
        return value >= cutoff if self._maximise else value <= cutoff

    def _part(self, others: Sequence[LastCompanion]) -> None:
        for other in others:
            other.ahead.release()
            self._parted.append(other.parted)

    def _leave(self, epoch: int) -> None:
        """Leave what the others have to whoever comes."""
        self.write(epoch)
        self.release()


def _is_claimed_again(other: LastCompanion) -> bool:
    """Whether the training of a companion is this worker's again."""
    if not other.ahead.claim():
        return False
    if other.ahead.file.exists():
        return True
    other.ahead.release()  # its own trial has come and gone
    return False
