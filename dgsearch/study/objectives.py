"""What a search is to reach: its objectives, each with its direction, and its constraints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dgsearch.designs.base import Design
from dgsearch.designs.limits import Limit, parse_limit
from dgsearch.errors import Problem, one_of
from dgsearch.study.metrics import MetricsSpec, find_metric
from dgsearch.study.spec import StudySpec


class Cost(NamedTuple):
    """A number that every trial records and of which less is better.

    Attributes:
        label: In words, as pages write it.
        unit: What it is counted in.
    """

    label: str
    unit: str


COSTS: Mapping[str, Cost] = {
    "train_s": Cost("time of training the last stage", "s"),
    "peak_memory_mb": Cost("peak memory", "MB"),
}


@dataclass(frozen=True)
class Goal:
    """What a search is to reach.

    Attributes:
        names: The objectives; the first is the metric that selects.
        maximise: Of each objective, whether a higher number is better.
        limits: The constraints.
    """

    names: tuple[str, ...]
    maximise: tuple[bool, ...]
    limits: tuple[Limit, ...] = ()

    @property
    def measured(self) -> tuple[str, ...]:
        """What has to be known of a trial besides its value."""
        wanted = (*self.names[1:], *(limit.name for limit in self.limits))
        return tuple(name for name in dict.fromkeys(wanted) if name != self.names[0])

    def values(self, value: float, numbers: Mapping[str, float]) -> tuple[float, ...]:
        """The objectives of a trial, from its value and what was measured; NaN: unknown."""
        known = {**numbers, self.names[0]: value}
        return tuple(known.get(name, math.nan) for name in self.names)

    def excesses(self, value: float, numbers: Mapping[str, float]) -> tuple[float, ...]:
        """By how much a trial lies beyond each constraint, at most 0 within it; NaN: unknown."""
        known = {**numbers, self.names[0]: value}
        return tuple(limit.excess(known.get(limit.name, math.nan)) for limit in self.limits)

    def losses(self, values: Sequence[float]) -> tuple[float, ...]:
        """The objectives turned so that less is better."""
        pairs = zip(values, self.maximise, strict=True)
        return tuple(-number if more else number for number, more in pairs)


def goal_of(spec: StudySpec) -> Goal:
    """What a study is to reach: one objective and no constraint where it is no such search."""
    names = spec.design.goals or (spec.selecting,)
    limits = tuple(parse_limit(text) for text in spec.design.limits)
    return Goal(names, tuple(is_maximised(name) for name in names), limits)


def is_maximised(name: str) -> bool:
    """Whether a higher number of a metric or cost is better."""
    metric = None if name in COSTS else find_metric(name)
    return metric is not None and metric.higher_is_better


def check_objectives(design: Design, metrics: MetricsSpec, *, halving: bool) -> Iterator[Problem]:
    """Problems of `objectives` and `constraints` with what the study records."""
    allowed = (*metrics.recorded, *COSTS)
    for place, name in enumerate(design.goals):
        if name not in allowed:
            message = f"is not recorded; {one_of(name, allowed)}; metrics.record adds metrics"
            yield Problem(f"design.objectives[{place}]", repr(name), message)
    if design.goals and design.goals[0] != metrics.select:
        message = f"the first one selects epochs and must be {metrics.select!r} (metrics.select)"
        yield Problem("design.objectives[0]", repr(design.goals[0]), message)
    for place, text in enumerate(design.limits):
        if parse_limit(text).name not in allowed:
            message = f"its number is not recorded; {one_of(parse_limit(text).name, allowed)}"
            yield Problem(f"design.constraints[{place}]", repr(text), message)
    if len(design.goals) > 1 and design.proposed_by == "cmaes":
        message = "proposes for one objective; choose tpe, gp, nsga2, qmc or random"
        yield Problem("design.sampler", repr(design.proposed_by), message)
    if len(design.goals) > 1 and halving:
        message = (
            f"stops trials by one number, and design.objectives has {len(design.goals)}; remove "
            "[halving], or keep one objective"
        )
        yield Problem("halving", "", message)
