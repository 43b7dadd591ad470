"""`adaptive-seeds`: which seeds does each point take? From the ended trials alone.

Both halves ask here: the runner to plan further trials, the page to tell what was decided. The
answer depends on what has ended, never on its order, so that a study that was killed and run
again takes the same seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from dgsearch.designs.base import Design, combinations, single_changes
from dgsearch.designs.decisions import LEAST_PAIRS, SeedRule, decide
from dgsearch.designs.fields import Values
from dgsearch.designs.points import (
    Asked,
    Configuration,
    Ended,
    Outcomes,
    Parts,
    Phase,
    PlannedTrial,
)
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.errors import Problem
from dgsearch.space import Space


class AdaptiveSeeds(Design, frozen=True):
    """Points at the study's seeds, and at further ones while the comparison of each is open.

    A point is decided when the interval of its paired difference to the baseline leaves 0 out
    or lies within the margin; `dgsearch.designs.decisions` says how the interval allows for
    looking again after each seed. Further seeds are the numbers after the largest of the study's.
    """

    kind: Literal["adaptive-seeds"]
    vary: Annotated[dict[str, Values], Field(min_length=1)]  # values by hyperparameter
    combine: Literal["one-at-a-time", "grid"] = "one-at-a-time"  # how the points are made
    against: Literal["centre", "baseline"] = "centre"  # or the first baseline: the reference
    max_seeds: int = Field(12, ge=1, le=10_000)  # the cap: seeds of a point that stays open
    margin: float = Field(0.01, gt=0, lt=1)  # accuracy, 0..1; a smaller difference counts as none
    confidence: float = Field(0.95, gt=0, lt=1)  # that no decision of the study is wrong

    accuracy_only: ClassVar[bool] = True
    adds_seeds: ClassVar[bool] = True
    answer: ClassVar[tuple[str, ...]] = ("level", "decisions")  # others take seeds as fixed
    caveat: ClassVar[str] = (
        "Seeds were added in the light of results. The decisions above and the section on "
        "seeds allow for that; all other intervals and p values of this page take the number "
        "of seeds as fixed and claim too much."
    )

    @property
    def crossed(self) -> bool:
        """Whether its points are those of a grid."""
        return self.combine == "grid"

    @property
    def sections(self) -> Sequence[str]:
        """The decisions, then those of its points."""
        domains, sources, metrics, *rest = super().sections
        return (domains, sources, metrics, "seeds", *rest)

    def seed_words(self, seeds: Sequence[int]) -> str:
        """The study's own, and how many there may be."""
        own = super().seed_words(seeds)
        return f"{own}, and up to {self.max_seeds} where decisions are open"

    def response_seeds(self, seeds: Sequence[int]) -> Sequence[int] | None:
        """The study's own, which all points take."""
        return seeds

    @property
    def most_points(self) -> int:
        """The centre and the points; of a grid the product of how many values there are."""
        grid = 1 + math.prod(len(values) for values in self.vary.values())
        return grid if self.crossed else super().most_points

    def changes(self, space: Space) -> Iterator[Mapping[str, Any]]:
        """The centre, then the points."""
        yield {}
        made = single_changes if self.combine == "one-at-a-time" else combinations
        yield from made(self.vary)

    def seed_list(self, asked: Asked) -> tuple[int, ...]:
        """The seeds that a point may take: those of the file, then the next numbers."""
        after = max(asked.seeds) + 1
        more = max(0, self.max_seeds - len(asked.seeds))
        return (*asked.seeds, *range(after, after + more))

    def plan(
        self,
        asked: Asked,
        spaces: Mapping[str, Space],
        outcomes: Outcomes,
        *,
        images: Mapping[str, int] = MappingProxyType({}),
    ) -> AdaptivePlan:
        """The decisions that the ended trials allow, and the trials to have.

        A point takes the seeds up to its latest look; the reference as many as any of them, and
        at least the study's own.

        Args:
            asked: The study.
            spaces: Space of each method named in it.
            outcomes: Mean accuracy over the targets of each trial that has ended, by config_id
                and seed; NaN where it failed. Trials that are not planned are ignored.
            images: How many each split holds, by "target/test/DOMAIN".
        """
        seeds = self.seed_list(asked)
        configurations = self.configured(asked, spaces)
        reference = self._reference(configurations)
        others = [item for item in configurations if item.config_id != reference.config_id]
        rule = SeedRule(
            first=len(asked.seeds),
            cap=len(seeds),
            points=len(others),
            margin=self.margin,
            confidence=self.confidence,
            images=images_tested(asked, images),
        )
        baseline = [outcomes.get((reference.config_id, seed)) for seed in seeds]
        decisions = []
        for item in others:
            own = [outcomes.get((item.config_id, seed)) for seed in seeds]
            decisions.append((item, decide(own, baseline, rule)))
        taken = {item.config_id: decision.seeds for item, decision in decisions}
        taken[reference.config_id] = max([len(asked.seeds), *taken.values()])
        trials = [
            PlannedTrial(item, seed)
            for item in configurations
            for seed in seeds[: taken[item.config_id]]
        ]
        return AdaptivePlan(rule, reference, tuple(decisions), tuple(trials))

    def _reference(self, configurations: list[Configuration]) -> Configuration:
        """The centre, which is planned first, or the first of the study's baselines."""
        if self.against == "centre":
            return configurations[0]
        return next(item for item in configurations if item.role == "baseline")

    def planned_after(
        self, asked: Asked, spaces: Mapping[str, Space], ended: Ended
    ) -> Sequence[PlannedTrial]:
        """The trials that the decisions so far take."""
        return self.plan(asked, spaces, ended.means(), images=ended.images()).trials

    def most_trials(self, asked: Asked, known: int) -> int:
        """Every configuration at the cap."""
        return known // len(asked.seeds) * self.max_seeds

    def most_seeds(self, asked: Asked) -> int:
        """The cap."""
        return self.max_seeds

    def phases(self, asked: Asked, spaces: Mapping[str, Space], *, halving: bool) -> list[Phase]:
        """One, which grows while comparisons are open."""
        return [Phase(lambda ended: self.planned_after(asked, spaces, ended), grows=True)]

    def outlook(self, asked: Asked, *, least: int, most: int) -> Iterator[tuple[str, str]]:
        """How many seeds a configuration takes."""
        yield (
            "seeds",
            f"{len(asked.seeds)} to {self.max_seeds} a configuration: at least {least} trials, "
            f"at most {most}",
        )

    def comparisons(self, asked: Asked, trials: Iterable[PlannedTrial]) -> int:
        """Corrected by the rule of its decisions, not together."""
        return 1

    def check_study(self, parts: Parts) -> Iterator[Problem]:
        """Problems with seeds and baselines."""
        if parts.seeds is None:
            return
        count = len(parts.seeds)
        if count < LEAST_PAIRS:
            yield Problem(
                "seeds",
                repr(list(parts.seeds)),
                "adaptive-seeds compares over seeds from its first look on; list at least three",
            )
        if self.max_seeds < count:
            message = f"must be at least {count}, the number of the study's own seeds"
            yield Problem("design.max_seeds", repr(self.max_seeds), message)
        if self.against == "baseline" and not parts.baselines:
            message = 'the study has no baselines; list one under baselines, or write "centre"'
            yield Problem("design.against", repr(self.against), message)

    def check_halving(self, *, allow_truncated: bool) -> Iterator[Problem]:
        """A decision takes trials of full length, without exception."""
        message = f"the design {self.kind} compares trials of full length only; remove [halving]"
        yield Problem("halving", "", message)


def images_tested(asked: Asked, images: Mapping[str, int]) -> float:
    """Test images behind a mean accuracy over the study's targets; infinite if not known.

    The mean over k targets varies like an accuracy of k^2 / sum(1 / N) images: of all of them
    together where the targets have equally many.

    Args:
        asked: The study.
        images: How many each split holds, by "target/test/DOMAIN".
    """
    targets = asked.data.targets
    counts = [images.get(f"target/test/{target}", 0) for target in targets]
    if not counts or 0 in counts:
        return math.inf
    return len(counts) ** 2 / sum(1 / count for count in counts)
