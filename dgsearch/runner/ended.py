"""What has ended of a study, as its design asks for it: read from the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Engine

from dgsearch.database.configurations import StoredConfigurations, stored_configurations
from dgsearch.database.facts import read_facts
from dgsearch.database.measured import Outcome, finished_outcomes
from dgsearch.database.outcomes import target_means
from dgsearch.database.queries import read_trials
from dgsearch.database.studies import finished_values, set_planned
from dgsearch.database.switches import open_switches
from dgsearch.database.writing import read_persistently
from dgsearch.designs.points import Outcomes
from dgsearch.study import StudySpec
from dgsearch.study.objectives import Goal, goal_of


class StoredEnds:
    """A `dgsearch.designs.Ended` of one study."""

    def __init__(self, engine: Engine, study_id: int, spec: StudySpec) -> None:
        self.engine = engine
        self.study_id = study_id
        self._spec = spec
        self._proposed: StoredConfigurations | None = None

    def forget(self) -> None:
        """Read the proposals again when they are next asked for."""
        self._proposed = None

    def planned(self, count: int) -> None:
        """Store how many trials are planned; `status` and the page count by it."""
        set_planned(self.engine, self.study_id, count)

    def means(self) -> Outcomes:
        """Mean accuracy over the targets of each trial; NaN where it failed."""
        targets = self._spec.data.targets
        read = partial(read_trials, self.engine, self._spec.name, domains=targets)
        return target_means(read_persistently(self.engine, read), targets)

    def values(self) -> Outcomes:
        """Value on the selection split of each finished trial."""
        return finished_values(self.engine, self.study_id)

    def losses(self) -> Mapping[tuple[str, int], Sequence[float]]:
        """The objectives of each finished trial, turned so that less is better."""
        goal = goal_of(self._spec)
        return {key: goal.losses(each.values) for key, each in self._outcomes(goal).items()}

    def excess(self) -> Outcomes:
        """How far each finished trial lies beyond its constraints."""
        return {key: each.excess for key, each in self._outcomes(goal_of(self._spec)).items()}

    def _outcomes(self, goal: Goal) -> Mapping[tuple[str, int], Outcome]:
        targets = self._spec.data.targets
        return finished_outcomes(self.engine, self.study_id, goal, targets=targets)

    def proposed(self) -> StoredConfigurations:
        """The points so far, by config_id; kept until `forget`."""
        if self._proposed is None:
            facts = self._facts()
            found = open_switches(self._spec, facts).values()
            switches = {name: value for each in found for name, value in each.items()}
            self._proposed = stored_configurations(
                self.engine, self.study_id, role="point", switches=switches
            )
        return self._proposed

    def images(self) -> Mapping[str, int]:
        """How many images each split holds."""
        found: Mapping[str, int] = self._facts().get("images", {})
        return found

    def _facts(self) -> Mapping[str, Any]:
        read = partial(read_facts, self.engine, self._spec.name)
        return read_persistently(self.engine, read).facts
