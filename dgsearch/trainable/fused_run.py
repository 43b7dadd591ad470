"""A stage of one trial, trained together with the same stage of trials that wait for theirs.

To its own trial it is a stage like another. The others find theirs in the store, each under its
own key. In the trial's checkpoint its own state has the form that it has without a cohort; the
others' states stand beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dgsearch.errors import TrainingError
from dgsearch.methods.base import (
    CannotFuse,
    Cohort,
    Fusable,
    HasWarnings,
    Product,
    StageRun,
    state_of,
)
from dgsearch.trainable.companions import Companion

logger = logging.getLogger(__name__)


class FusedRun:
    """The run of a stage, with those of its companions.

    Attributes:
        epochs: Of each of them.
    """

    def __init__(
        self,
        stage: str,
        fusable: Fusable,
        begin_own: Callable[[], StageRun],
        others: Sequence[Companion],
    ) -> None:
        """Begin them all.

        Args:
            stage: Name of the stage.
            fusable: How it is trained together.
            begin_own: Makes this trial's run where it stands.
            others: Those beside it.
        """
        self._stage, self._fusable, self._begin_own = stage, fusable, begin_own
        self._own = begin_own()
        self.epochs = self._own.epochs
        self._others = list(_begun(stage, others))
        self._cohort: Cohort | None = None
        self._has_trained = False
        self._join()

    @property
    def members(self) -> int:
        """How many are trained."""
        return 1 + len(self._others)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """An epoch of all; one of the others whose training fails leaves the cohort."""
        if self._cohort is None:
            return self._own.train_epoch(epoch)
        try:
            own, *found = self._cohort.train_epoch(epoch)
        except CannotFuse as error:
            if self._has_trained:
                raise
            self._part(error)
            self._own = self._begin_own()  # the attempt has drawn from its generators
            return self._own.train_epoch(epoch)
        self._has_trained = True
        if isinstance(own, TrainingError):
            raise own
        failed = [isinstance(one, TrainingError) for one in found]
        if any(failed):
            pairs = zip(self._others, failed, strict=True)
            self._others = [other for other, has_failed in pairs if not has_failed]
            self._join()
        return own

    def parts(self) -> Mapping[str, Any]:
        """Those of this trial's run."""
        return self._own.parts()

    def product(self) -> Product:
        """That of this trial's run."""
        return self._own.product()

    def warnings(self) -> Sequence[str]:
        """Those of this trial's run."""
        return _warnings(self._own)

    def beside(self) -> list[dict[str, Any]]:
        """What a checkpoint has to hold of the others."""
        return [
            {
                "values": dict(other.values),
                "seed": other.seed,
                "state": state_of(run.parts()),
            }
            for other, run in self._others
        ]

    def others(self) -> Iterator[tuple[str, Product, Sequence[str]]]:
        """Key, product and warnings of each that was trained beside this trial."""
        for other, run in self._others:
            yield other.key, run.product(), _warnings(run)

    def _join(self) -> None:
        try:
            self._cohort = self._fusable.join([self._own, *(run for _, run in self._others)])
        except CannotFuse as error:
            self._part(error)

    def _part(self, reason: CannotFuse) -> None:
        """Go on alone; the others train theirs themselves."""
        logger.warning("stage %s is not trained together: %s", self._stage, reason)
        self._cohort, self._others = None, []


def _warnings(run: StageRun) -> Sequence[str]:
    return run.warnings() if isinstance(run, HasWarnings) else []


def _begun(stage: str, others: Sequence[Companion]) -> Iterator[tuple[Companion, StageRun]]:
    for other in others:
        try:
            yield other, other.begin()
        except Exception as error:  # noqa: BLE001 - its own trial will meet it and record it
            logger.warning("stage %s of another trial does not start here: %s", stage, error)
