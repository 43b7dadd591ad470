"""Which seeds does each point of an adaptive study take? From the ended trials alone.

Both halves ask here: the runner to plan further trials, the page to tell what was decided. The
answer depends on what has ended, never on its order, so that a study that was killed and run
again takes the same seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dgsearch.decisions import Decision, SeedRule, decide
from dgsearch.design import Configuration, PlannedTrial, plan_configurations
from dgsearch.space import Space
from dgsearch.study.spec import AdaptiveSeeds, StudySpec

__all__ = ["AdaptivePlan", "Outcomes", "adaptive_plan", "images_tested", "seed_list"]

Outcomes = Mapping[tuple[str, int], float]  # by (config_id, seed); NaN: ended without a number


@dataclass(frozen=True)
class AdaptivePlan:
    """What an adaptive study has decided, and the trials that this takes.

    Attributes:
        rule: When a point gets a further seed.
        reference: The configuration that all others are compared with.
        decisions: Of every other configuration, in the order of the plan.
        trials: Every trial planned as yet, those that have ended too.
    """

    rule: SeedRule
    reference: Configuration
    decisions: tuple[tuple[Configuration, Decision], ...]
    trials: tuple[PlannedTrial, ...]

    @property
    def most(self) -> int:
        """Trials if every configuration took all seeds up to the cap."""
        return self.rule.cap * (1 + len(self.decisions))


def seed_list(spec: StudySpec) -> tuple[int, ...]:
    """The seeds that an adaptive study may take: those of its file, then the next numbers."""
    assert isinstance(spec.design, AdaptiveSeeds)
    after = max(spec.seeds) + 1
    more = max(0, spec.design.max_seeds - len(spec.seeds))
    return (*spec.seeds, *range(after, after + more))


def images_tested(spec: StudySpec, images: Mapping[str, int]) -> float:
    """Test images behind a mean accuracy over the study's targets; infinite if not known.

    The mean over k targets varies like an accuracy of k^2 / sum(1 / N) images: of all of them
    together where the targets have equally many.

    Args:
        spec: The study.
        images: How many each split holds, by "target/test/DOMAIN".
    """
    targets = spec.data.targets
    counts = [images.get(f"target/test/{target}", 0) for target in targets]
    if not counts or 0 in counts:
        return math.inf
    return len(counts) ** 2 / sum(1 / count for count in counts)


def adaptive_plan(
    spec: StudySpec,
    spaces: Mapping[str, Space],
    outcomes: Outcomes,
    *,
    images: Mapping[str, int] = MappingProxyType({}),
) -> AdaptivePlan:
    """The decisions that the ended trials allow, and the trials to have.

    A point takes the seeds up to its latest look; the reference as many as any of them, and at
    least the study's own.

    Args:
        spec: A study of the design "adaptive-seeds".
        spaces: Space of each method named in it.
        outcomes: Mean accuracy over the targets of each trial that has ended, by config_id and
            seed; NaN where it failed. Trials that are not planned are ignored.
        images: How many each split holds, by "target/test/DOMAIN".
    """
    assert isinstance(spec.design, AdaptiveSeeds)
    seeds = seed_list(spec)
    configurations = plan_configurations(spec, spaces)
    reference = _reference(spec.design, configurations)
    others = [item for item in configurations if item.config_id != reference.config_id]
    rule = SeedRule(
        first=len(spec.seeds),
        cap=len(seeds),
        points=len(others),
        margin=spec.design.margin,
        confidence=spec.design.confidence,
        images=images_tested(spec, images),
    )
    baseline = [outcomes.get((reference.config_id, seed)) for seed in seeds]
    decisions = []
    for item in others:
        own = [outcomes.get((item.config_id, seed)) for seed in seeds]
        decisions.append((item, decide(own, baseline, rule)))
    taken = {item.config_id: decision.seeds for item, decision in decisions}
    taken[reference.config_id] = max([len(spec.seeds), *taken.values()])
    trials = [
        PlannedTrial(item, seed)
        for item in configurations
        for seed in seeds[: taken[item.config_id]]
    ]
    return AdaptivePlan(rule, reference, tuple(decisions), tuple(trials))


def _reference(design: AdaptiveSeeds, configurations: list[Configuration]) -> Configuration:
    """The centre, which is planned first, or the first of the study's baselines."""
    if design.against == "centre":
        return configurations[0]
    return next(item for item in configurations if item.role == "baseline")
