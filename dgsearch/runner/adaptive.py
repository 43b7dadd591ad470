"""An adaptive study's queue: when a trial has ended, further seeds may be planned."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Engine

from dgsearch.adaptive import AdaptivePlan, adaptive_plan
from dgsearch.database.facts import read_facts
from dgsearch.database.outcomes import target_means
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import attempts, set_planned
from dgsearch.design import plan_configurations
from dgsearch.runner.queue import Begun, PlannedQueue, distributions_of
from dgsearch.runner.retries import marked_anew
from dgsearch.space import Space
from dgsearch.study import StudySpec

__all__ = ["AdaptiveQueue", "plan_from_database"]


def plan_from_database(
    engine: Engine, spec: StudySpec, spaces: Mapping[str, Space]
) -> AdaptivePlan:
    """The plan of an adaptive study after the trials that the database has."""
    trials = read_trials(engine, spec.name, domains=spec.data.targets)
    images = read_facts(engine, spec.name).facts.get("images", {})
    outcomes = target_means(trials, spec.data.targets)
    return adaptive_plan(spec, spaces, outcomes, images=images)


class AdaptiveQueue(PlannedQueue):
    """The trials planned as yet; after each that ends the database says which more there are."""

    def __init__(  # noqa: PLR0913 - what a queue needs, and what it plans from
        self,
        spec: StudySpec,
        spaces: Mapping[str, Space],
        engine: Engine,
        study_id: int,
        recorder: StudyRecorder,
        *,
        share: bool = True,
        anew: Collection[int] = (),
    ) -> None:
        """Queue what is left.

        Args:
            spec: The study.
            spaces: Space of each method named in it.
            engine: Of its database.
            study_id: Its row there.
            recorder: Records the trials as they start.
            share: Whether trials share stages, and wait for each other's.
            anew: Numbers of failed trials that are tried once more.
        """
        self._anew = anew
        self._spec = spec
        self._spaces = spaces
        self._engine = engine
        self._study_id = study_id
        points = plan_configurations(spec, spaces)
        distributions = distributions_of(points, spaces[spec.method])
        super().__init__((), {}, recorder, distributions, retries=spec.retries, share=share)
        self._extend()

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Add the seeds that are planned because this trial, too, has ended."""
        super().ended(begun, ending)
        if ending.stop_reason != "interrupted":
            self._extend()

    def _extend(self) -> None:
        """Queue every trial that is planned now; `status` and the page count by it."""
        self.trials = list(plan_from_database(self._engine, self._spec, self._spaces).trials)
        set_planned(self._engine, self._study_id, len(self.trials))
        self.add(self.trials, marked_anew(attempts(self._engine, self._study_id), self._anew))
