"""Optuna's distributions of what a study varies; nothing of torch is imported for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from dgsearch.designs.base import Design
from dgsearch.designs.points import Configuration
from dgsearch.space import Choice, Int, Space, Value
from dgsearch.study import Range
from dgsearch.study.plan import StudyPlan


def distributions_of(
    configurations: Iterable[Configuration], space: Space
) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each varied hyperparameter: from its least to its largest value.

    The variants of an ablation and the methods of a family are one choice, `variant`; beside it
    stands what all of them vary.
    """
    configurations = list(configurations)
    variants = list(dict.fromkeys(item.variant for item in configurations if item.variant))
    everywhere = set[str]().union(*(item.varied for item in configurations))
    for item in configurations:
        everywhere.intersection_update(item.varied)
    values: dict[str, list[Value]] = {}
    for configuration in configurations:
        for name in configuration.varied:
            if not variants or name in everywhere:
                values.setdefault(name, []).append(configuration.values[name])
    named: dict[str, BaseDistribution] = {}
    if variants:
        named["variant"] = CategoricalDistribution(variants)
    return named | {name: _spanning(space[name], seen) for name, seen in values.items()}


def queue_distributions(plan: StudyPlan) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each hyperparameter that a study varies, proposed or planned."""
    known = distributions_of(plan.configurations, plan.space)
    return known | proposal_distributions(plan.spec.design, plan.space)


def proposal_distributions(design: Design, space: Space) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each hyperparameter that proposals vary."""
    distributions: dict[str, BaseDistribution] = {}
    for name, values in design.proposed(space).items():
        if not isinstance(values, Range):
            distributions[name] = CategoricalDistribution(list(values))
        elif isinstance(space[name], Int):
            low, high = int(values.low), int(values.high)
            distributions[name] = IntDistribution(low, high, log=bool(values.log))
        else:
            distributions[name] = FloatDistribution(values.low, values.high, log=bool(values.log))
    return distributions


def _spanning(item: Any, values: list[Value]) -> BaseDistribution:
    if isinstance(item, Choice):
        return CategoricalDistribution(list(dict.fromkeys([*item.options, *values])))
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    log = item.log and low > 0
    if isinstance(item, Int):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)
