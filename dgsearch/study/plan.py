"""What a study will run, as its design answers: methods, configurations, trials."""

from __future__ import annotations

from collections.abc import Mapping

from dgsearch.designs.points import Configuration, PlannedTrial
from dgsearch.space import Space
from dgsearch.study.spec import StudySpec

__all__ = ["methods_of", "plan_configurations", "plan_trials", "planned_total"]


def methods_of(spec: StudySpec) -> tuple[str, ...]:
    """Every method that a study trains: its own, the baselines, those that the design names."""
    return spec.design.trained_methods(spec)


def plan_configurations(spec: StudySpec, spaces: Mapping[str, Space]) -> list[Configuration]:
    """The configurations known beforehand, without repetition: points and baselines."""
    return spec.design.configured(spec, spaces)


def plan_trials(spec: StudySpec, spaces: Mapping[str, Space]) -> list[PlannedTrial]:
    """Every trial of a study whose configurations are known beforehand.

    Args:
        spec: The study; a `search` gives only its baselines, `adaptive-seeds` its first seeds.
        spaces: Space of each method named in it.

    Returns:
        Trials in the order in which they should start: the centre and the baselines first,
        all seeds of a configuration together, so that shared stages are trained early.
    """
    return spec.design.planned(spec, spaces)


def planned_total(spec: StudySpec, spaces: Mapping[str, Space]) -> int:
    """How many trials a study will have at most, proposals and further seeds included."""
    return spec.design.most_trials(spec, len(plan_trials(spec, spaces)))
