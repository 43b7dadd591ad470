"""What is left to run of a study, by what its database and its stored stages hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from dgsearch.database.connection import open_if_there
from dgsearch.database.identity import find_takeover
from dgsearch.database.studies import Attempt, attempts, check_unchanged
from dgsearch.database.tables import STUDIES
from dgsearch.designs.points import PlannedTrial
from dgsearch.planning.needs import LastCohorts, StageNeed
from dgsearch.planning.without_torch import KnownStudy
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.options import RunOptions
from dgsearch.runner.retries import is_open
from dgsearch.study import Retries, StudySpec
from dgsearch.study.plan import StudyPlan


@dataclass(frozen=True)
class Remaining:
    """What running a study would do.

    Attributes:
        plan: The study, compiled.
        trials: Those known as yet, with those that have ended.
        left: Those of them that would run.
        needs: The shared stages of `trials`.
        epochs: Of the last stage, over all trials that are left, by method.
        together: Last stages that trials which are left train together.
    """

    plan: StudyPlan
    trials: Sequence[PlannedTrial]
    left: Sequence[PlannedTrial]
    needs: Sequence[StageNeed]
    epochs: Mapping[str, int]
    together: Sequence[LastCohorts] = ()

    @property
    def ended(self) -> int:
        """How many of the trials would not run again."""
        return len(self.trials) - len(self.left)

    @property
    def kinds(self) -> dict[str, int]:
        """How many trials there are of what."""
        counted_as = self.plan.spec.design.counted_as
        return dict(Counter(counted_as(trial) for trial in self.trials))

    @property
    def missing(self) -> dict[str, int]:
        """How often each shared stage has to be trained; proposals of a search not counted."""
        return {need.stage: need.missing for need in self.needs}

    @property
    def comparisons(self) -> int:
        """With the reference, which the page corrects together; 1 where not known beforehand."""
        return self.plan.spec.design.comparisons(self.plan.spec, self.trials)


def remaining(
    plan: StudyPlan, options: RunOptions, *, known: KnownStudy | None = None
) -> Remaining:
    """What is left of a study.

    Args:
        plan: The study, compiled.
        options: Say where the database and the stored stages are.
        known: What is known of it without torch; None: torch is imported.

    Raises:
        DatabaseError: If the database cannot be read.
        StudyChangedError: If it holds another study of that name.
    """
    spec, trials = plan.spec, plan.trials
    engine = open_if_there(options.database)
    study_id = _study_row(engine, spec.name) if engine else None
    earlier: Mapping[tuple[str, int], Attempt] = {}
    if engine is not None and study_id is not None:
        earlier = _attempts_of(spec, engine, study_id, known.facts if known else None)
        if earlier:
            trials = list(plan.trials_after(StoredEnds(engine, study_id, spec)))
    done = {key for key, attempt in earlier.items() if _ended(attempt, spec.retries)}
    left = [trial for trial in trials if trial.key not in done]
    needs = _needs(spec, trials, options, known)
    epochs: Counter[str] = Counter()
    for trial in left:
        epochs[trial.configuration.method] += int(trial.configuration.values["epochs"])
    if spec.design.proposals:
        proposals = plan.most_trials - len(trials) - len(done - {trial.key for trial in trials})
        each = int(plan.space.resolve(spec.hyperparameters)["epochs"])
        epochs[spec.method] += max(0, proposals) * each
    return Remaining(plan, trials, left, needs, epochs, _together(spec, left))


def _ended(attempt: Attempt, retries: Retries) -> bool:
    """Whether a run would leave it as it is; what runs now is not counted."""
    return attempt.stop_reason is not None and not is_open(attempt, retries)


def _study_row(engine: Engine, name: str) -> int | None:
    """Row of a study in the database; None where it has none."""
    with engine.connect() as connection:
        query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)
        found: int | None = connection.scalar(query)
    return found


def _needs(
    spec: StudySpec, trials: Sequence[PlannedTrial], options: RunOptions, known: KnownStudy | None
) -> Sequence[StageNeed]:
    """The shared stages of the trials; torch is imported where they are not known without it."""
    if not trials:
        return ()
    found = known.needs(trials, options) if known else None
    if found is not None:
        return found
    from dgsearch.planning.stages import stage_needs

    return stage_needs(spec, trials, options)


def _together(spec: StudySpec, left: Sequence[PlannedTrial]) -> Sequence[LastCohorts]:
    """The last stages that are fused; torch is imported where there may be any."""
    if not left or spec.resources.fuse == "off":
        return ()
    from dgsearch.planning.stages import last_cohorts

    return last_cohorts(spec, left)


def _attempts_of(
    spec: StudySpec, engine: Engine, study_id: int, facts: Mapping[str, Any] | None
) -> dict[tuple[str, int], Attempt]:
    """What the database has of the study."""
    if facts is None:
        from dgsearch.runner.environment import study_facts  # imports torch

        facts = study_facts(spec, "", planned=0)
    check_unchanged(engine, study_id, spec, facts)
    takeover = find_takeover(engine, spec.name, spec.model_dump(mode="json"), facts)
    found = {
        (takeover.config_id(config_id), seed): attempt
        for (config_id, seed), attempt in attempts(engine, study_id).items()
    }
    return {(name, seed): attempt for (name, seed), attempt in found.items() if name is not None}
