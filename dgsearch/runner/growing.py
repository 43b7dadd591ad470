"""The queue of a phase that grows: when a trial has ended, further ones may be planned."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from optuna.distributions import BaseDistribution

from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import attempts
from dgsearch.designs.points import Phase
from dgsearch.endings import StopReason
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.fusing import Fusing
from dgsearch.runner.queue import Begun, PlannedQueue
from dgsearch.runner.retries import marked_anew
from dgsearch.study import Retries


class GrowingQueue(PlannedQueue):
    """The trials planned as yet; after each that ends the phase says which more there are."""

    def __init__(  # noqa: PLR0913 - what a queue needs, and what it grows by
        self,
        phase: Phase,
        ended: StoredEnds,
        recorder: StudyRecorder,
        distributions: Mapping[str, BaseDistribution],
        *,
        retries: Retries,
        share: bool = True,
        fusing: Fusing | None = None,
        anew: Collection[int] = (),
    ) -> None:
        """Queue what is left.

        Args:
            phase: Says which trials are planned.
            ended: What the database has of the study.
            recorder: Records the trials as they start.
            distributions: Of the varied hyperparameters of points.
            retries: How often interrupted trials are given out again.
            share: Whether trials share stages, and wait for each other's.
            fusing: Which stages one trial trains for several; None: none.
            anew: Numbers of failed trials that are tried once more.
        """
        self._anew = anew
        self._phase = phase
        self._ends = ended
        super().__init__(
            (), {}, recorder, distributions, retries=retries, share=share, fusing=fusing
        )
        self._extend()

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Add the trials that are planned because this one, too, has ended."""
        super().ended(begun, ending)
        if ending.stop_reason != StopReason.INTERRUPTED:
            self._extend()

    def _extend(self) -> None:
        """Queue every trial that is planned now."""
        self.trials = list(self._phase.trials(self._ends))
        self._ends.planned(len(self.trials))
        earlier = attempts(self._ends.engine, self._ends.study_id)
        self.add(self.trials, marked_anew(earlier, self._anew))
