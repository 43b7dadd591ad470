"""What a design that adds seeds has decided as yet."""

from __future__ import annotations

from dataclasses import dataclass

from dgsearch.designs.decisions import Decision, SeedRule
from dgsearch.designs.points import Configuration, PlannedTrial


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
