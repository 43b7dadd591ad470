"""An adaptive study's queue: when a trial has ended, further seeds may be planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from optuna.distributions import BaseDistribution
from sqlalchemy import Engine

from dgsearch.adaptive import AdaptivePlan, adaptive_plan
from dgsearch.database.outcomes import target_means
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import Attempt
from dgsearch.design import PlannedTrial
from dgsearch.runner.queue import Begun, PlannedQueue
from dgsearch.space import Space
from dgsearch.study import Retries, StudySpec

__all__ = ["AdaptiveQueue", "plan_from_database"]


def plan_from_database(
    engine: Engine, spec: StudySpec, spaces: Mapping[str, Space]
) -> AdaptivePlan:
    """The plan of an adaptive study after the trials that the database has."""
    trials = read_trials(engine, spec.name, domains=spec.data.targets)
    return adaptive_plan(spec, spaces, target_means(trials, spec.data.targets))


class AdaptiveQueue(PlannedQueue):
    """The trials planned as yet; after each that ends it asks which more there are."""

    def __init__(
        self,
        plan: Callable[[], Sequence[PlannedTrial]],
        earlier: Callable[[], Mapping[tuple[str, int], Attempt]],
        recorder: StudyRecorder,
        distributions: Mapping[str, BaseDistribution],
        *,
        retries: Retries | None = None,
        share: bool = True,
    ) -> None:
        """Queue what is left.

        Args:
            plan: Every trial that is planned now, after what the database has.
            earlier: What the database has of them.
            recorder: Records the trials as they start.
            distributions: Of the varied hyperparameters of points.
            retries: How often interrupted trials are given out again.
            share: Whether trials share stages, and wait for each other's.
        """
        self._plan = plan
        self._earlier = earlier
        super().__init__(plan(), earlier(), recorder, distributions, retries=retries, share=share)

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Add the seeds that are planned because this trial, too, has ended."""
        super().ended(begun, ending)
        if ending.stop_reason != "interrupted":
            self.add(self._plan(), self._earlier())
