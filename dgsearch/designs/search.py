"""`search`: configurations proposed one after another from what was seen before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeInt

from dgsearch.designs.base import Design
from dgsearch.designs.enqueued import check_enqueued
from dgsearch.designs.fields import Distinct, Names, Proposed, Range, Scalar
from dgsearch.designs.limits import LimitText
from dgsearch.designs.points import (
    MOST_TRIALS,
    Asked,
    Configuration,
    Ended,
    Parts,
    Phase,
    PlannedTrial,
)
from dgsearch.designs.ranking import best_points
from dgsearch.designs.samplers import Sampler, check_sampler, sampler_remarks, sees_constraints
from dgsearch.errors import Problem
from dgsearch.space import Space
from dgsearch.wording import plural


class Search(Design, frozen=True):
    """Configurations proposed one after another from what was seen before.

    Every proposal is trained at the first seed; the best of them, by the value on the
    selection split, are trained at the remaining seeds too.
    """

    kind: Literal["search"]
    # a range, or a list of values, by hyperparameter
    vary: Annotated[dict[str, Proposed], Field(min_length=1)]
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS)]  # configurations that are proposed
    sampler: Sampler = "tpe"  # what proposes them; hub:NAME is a package of OptunaHub
    download: bool = False  # whether a sampler of OptunaHub may be fetched from GitHub
    # what is weighed, as metrics and costs: the metric that selects, then others; empty: it alone
    objectives: Names = ()
    # what a configuration has to keep to, such as "train_s <= 60"; others are chosen last
    constraints: Annotated[tuple[LimitText, ...], Distinct] = ()
    # known points that are proposed first, each with a value for every name of `vary`
    enqueue: Annotated[tuple[dict[str, Scalar], ...], Distinct] = ()
    warm_start: str = ""  # another study of the database, whose finished trials inform the sampler
    # how many of the best, or of the front, are repeated at the other seeds
    confirm: NonNegativeInt = 3

    replaces_fixed: ClassVar[bool] = False
    trial_columns: ClassVar[tuple[str, ...]] = ("proposed by",)

    @property
    def crossed(self) -> bool:
        """It moves all of them at once."""
        return True

    @property
    def sections(self) -> Sequence[str]:
        """Those of every such design, and the front or the constraints of this one."""
        return (
            ("front", *super().sections)
            if self.objectives or self.constraints
            else super().sections
        )

    @property
    def random_points(self) -> bool:
        """Those that are proposed at random; others learn, or are spread evenly."""
        return self.sampler == "random"

    def response_seeds(self, seeds: Sequence[int]) -> Sequence[int] | None:
        """The first: the others hold the best proposals alone."""
        return seeds[:1]

    def candidates(self, seeds: Mapping[str, int]) -> Collection[str]:
        """Where some proposals are confirmed at further seeds, one of these."""
        confirmed = [config_id for config_id, count in seeds.items() if count > 1]
        return confirmed or seeds.keys()

    @property
    def proposals(self) -> int:
        """How many configurations are proposed."""
        return self.trials

    @property
    def proposed_by(self) -> str:
        """The sampler."""
        return self.sampler

    @property
    def downloads(self) -> bool:
        """As the study file says."""
        return self.download

    @property
    def goals(self) -> tuple[str, ...]:
        """Its objectives."""
        return self.objectives

    @property
    def limits(self) -> tuple[str, ...]:
        """Its constraints."""
        return self.constraints

    @property
    def learns_from(self) -> str:
        """The study that it is started from."""
        return self.warm_start

    def enqueued(self, space: Space) -> Sequence[Mapping[str, Any]]:
        """The points that the study file gives."""
        return [
            {name: space[name].parse(point[name]) for name in self.vary} for point in self.enqueue
        ]

    def proposed(self, space: Space) -> dict[str, Any]:
        """For each name a `Range` whose `log` is set, or a tuple of values."""
        found: dict[str, Any] = {}
        for name, values in self.vary.items():
            if isinstance(values, Range):
                declared = getattr(space[name], "log", False)
                log = declared if values.log is None else values.log
                found[name] = values.model_copy(update={"log": log})
            else:
                found[name] = tuple(space[name].parse(value) for value in values)
        return found

    def most_trials(self, asked: Asked, known: int) -> int:
        """Baselines, proposals, and the best of these at the remaining seeds."""
        repeated = min(self.confirm, self.trials) * (len(asked.seeds) - 1)
        return known + self.trials + repeated

    def phases(self, asked: Asked, spaces: Mapping[str, Space], *, halving: bool) -> list[Phase]:
        """Proposals, then baselines and the best proposals at every seed."""
        baselines = self.planned(asked, spaces)

        def confirmed(ended: Ended) -> list[PlannedTrial]:
            best = best_configurations(
                ended.losses(), ended.excess(), ended.proposed(), self.confirm, asked.seeds
            )
            repeats = [PlannedTrial(item, seed) for item in best for seed in asked.seeds]
            return [*baselines, *repeats]

        return [Phase(lambda _: (), halved=halving, proposes=True), Phase(confirmed)]

    def outlook(self, asked: Asked, *, least: int, most: int) -> Iterator[tuple[str, str]]:
        """Proposals, and how many trials confirm the best."""
        confirmed = min(self.confirm, self.trials) * len(asked.seeds)
        yield "search", f"{self.trials} proposals, then up to {confirmed} to confirm"
        for remark in sampler_remarks(self.sampler, self.vary):
            yield "sampler", remark
        if self.constraints and not sees_constraints(self.sampler):
            yield "sampler", f"{self.sampler} does not see constraints; choosing does"
        if self.enqueue:
            yield "enqueued", f"{plural(len(self.enqueue), 'known point')}, run first"

    def comparisons(self, asked: Asked, trials: Iterable[PlannedTrial]) -> int:
        """Not known beforehand."""
        return 1

    def check_values(self, parts: Parts, space: Space) -> Iterator[Problem]:
        """Those of every design, and points that the search could not propose."""
        yield from super().check_values(parts, space)
        yield from check_enqueued(self.enqueue, self.vary, space, most=self.trials)

    def check_study(self, parts: Parts) -> Iterator[Problem]:
        """A sampler that is not installed, or that cannot propose what is varied."""
        yield from check_sampler(self.sampler, self.vary, download=self.download)
        if self.warm_start and self.sampler in ("cmaes", "nsga2", "qmc", "random"):
            message = f"{self.sampler} learns nothing from another study; choose tpe or gp"
            yield Problem("design.warm_start", repr(self.warm_start), message)

    def check_halving(self, *, allow_truncated: bool) -> Iterator[Problem]:
        """None: a search may cut proposals short."""
        yield from ()


def best_configurations(
    losses: Mapping[tuple[str, int], Sequence[float]],
    excess: Mapping[tuple[str, int], float],
    configurations: Mapping[str, Configuration],
    count: int,
    seeds: Sequence[int],
) -> list[Configuration]:
    """The best configurations, or a Pareto front of them: see `best_points`.

    Args:
        losses: Objectives of each finished trial by (config_id, seed), less is better.
        excess: How far each lies beyond the constraints.
        configurations: By id; others are left out.
        count: How many at most.
        seeds: Of the study; a configuration is judged at the first of them that it has.
    """
    first: dict[str, tuple[str, int]] = {}
    for seed in seeds:
        for key in losses:
            if key[1] == seed and key[0] in configurations:
                first.setdefault(key[0], key)
    chosen = best_points(
        {name: losses[key] for name, key in first.items()},
        {name: excess.get(key, 0.0) for name, key in first.items()},
        count,
    )
    return [configurations[name] for name in chosen]
