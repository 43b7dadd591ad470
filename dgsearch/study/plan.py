"""A study compiled: what it will run, for all who ask.

The runner trains it, `dgsearch plan` prints it, and the page reads its decisions; whoever has a
study file and the spaces of its methods compiles the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dgsearch.designs.points import Configuration, Ended, Outcomes, Phase, PlannedTrial
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.space import Space
from dgsearch.study.families import AUGMENTED, judging_families
from dgsearch.study.spec import StudySpec


@dataclass(frozen=True)
class StudyPlan:
    """What a study will run, as its design answers.

    Attributes:
        spec: The study.
        spaces: Space of each method that it trains, its own among them.
    """

    spec: StudySpec
    spaces: Mapping[str, Space]

    @property
    def space(self) -> Space:
        """Space of the study's own method."""
        return self.spaces[self.spec.method]

    @cached_property
    def configurations(self) -> Sequence[Configuration]:
        """The configurations known beforehand, without repetition: points and baselines."""
        return self.spec.design.configured(self.spec, self.spaces)

    @cached_property
    def trials(self) -> Sequence[PlannedTrial]:
        """The trials known beforehand, in the order in which they should start.

        The centre and the baselines come first, all seeds of a configuration together, so that
        shared stages are trained early. Of a `search` these are its baselines alone, of
        `adaptive-seeds` the trials at the first seeds.
        """
        return self.spec.design.planned(self.spec, self.spaces)

    @property
    def most_trials(self) -> int:
        """How many trials there will be at most, proposals and further seeds included."""
        return self.spec.design.most_trials(self.spec, len(self.trials))

    def phases(self) -> Sequence[Phase]:
        """What the runner does, one after another."""
        halving = self.spec.halving is not None
        return self.spec.design.phases(self.spec, self.spaces, halving=halving)

    def trials_after(self, ended: Ended) -> Sequence[PlannedTrial]:
        """The trials that are known when some have ended, these included."""
        return self.spec.design.planned_after(self.spec, self.spaces, ended)

    def decided(self, outcomes: Outcomes, images: Mapping[str, int]) -> AdaptivePlan | None:
        """What is decided over seeds; None of a design that decides nothing.

        Args:
            outcomes: Mean accuracy over the targets of each trial that has ended; NaN: failed.
            images: How many each split holds, by "target/test/DOMAIN".
        """
        return self.spec.design.plan(self.spec, self.spaces, outcomes, images=images)


def compile_study(spec: StudySpec, space_of: Callable[[str], Space]) -> StudyPlan:
    """The plan of a study.

    Args:
        spec: The study.
        space_of: Gives the space of a method by its name.
    """
    return StudyPlan(spec, {name: space_of(name) for name in methods_of(spec)})


def methods_of(spec: StudySpec) -> tuple[str, ...]:
    """Every method that a study trains: its own, the baselines, those that the design names."""
    return spec.design.trained_methods(spec)


def families_of(
    spec: StudySpec, declared: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """`judging_families` of a study.

    Args:
        spec: The study.
        declared: The families that each of its methods trains with, by method.
    """
    halved = [name for name in methods_of(spec) if name not in spec.baselines]
    return judging_families(
        declared, augmentation=spec.augmentation, together=halved if spec.halving else ()
    )


def has_levels(spec: StudySpec, families: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a study's values are means over several sets of families of transformations.

    Args:
        spec: The study.
        families: `families_of` it.
    """
    return spec.selection == AUGMENTED and len(set(families.values())) > 1


def plan_configurations(spec: StudySpec, spaces: Mapping[str, Space]) -> Sequence[Configuration]:
    """`StudyPlan.configurations`."""
    return StudyPlan(spec, spaces).configurations


def plan_trials(spec: StudySpec, spaces: Mapping[str, Space]) -> Sequence[PlannedTrial]:
    """`StudyPlan.trials`."""
    return StudyPlan(spec, spaces).trials


def planned_total(spec: StudySpec, spaces: Mapping[str, Space]) -> int:
    """`StudyPlan.most_trials`."""
    return StudyPlan(spec, spaces).most_trials
