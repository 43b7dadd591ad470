"""`Design`: everything that depends on the design of a study, asked of one object.

A design is a frozen pydantic model: its fields are the keys of `[design]`. What it does not
answer itself has the answer of a design that trains known points at every seed of the study.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from dgsearch.designs.catalogue import check_fixed, check_proposed
from dgsearch.designs.coalitions import Game
from dgsearch.designs.points import (
    MOST_TRIALS,
    Asked,
    Configuration,
    Ended,
    Outcomes,
    Parts,
    Phase,
    PlannedTrial,
    shared_values,
)
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.errors import Problem, one_of
from dgsearch.space import Space
from dgsearch.wording import plural


class Design(BaseModel, frozen=True, extra="forbid"):
    """How the points of a study are made, run, compared and told.

    Attributes:
        kind: Name of the design in study files.
        vary: What is varied, by hyperparameter: a field, or a property that returns nothing.
    """

    if TYPE_CHECKING:

        @property
        def kind(self) -> str:
            """Name of the design in study files."""
            ...

        @property
        def vary(self) -> Mapping[str, Any]:
            """What is varied, by hyperparameter."""
            ...

    # What the study file may say
    names_methods: ClassVar[bool] = False  # its methods stand in [design] and are compared alike
    replaces_fixed: ClassVar[bool] = True  # may vary what [hyperparameters] fixes
    accuracy_only: ClassVar[bool] = False  # decides by accuracy, whatever else is recorded

    # What the page asks
    one_a_method: ClassVar[bool] = False  # of each method one configuration counts
    adds_seeds: ClassVar[bool] = False  # points take seeds of their own beyond the study's
    reference_variant: ClassVar[str] = ""  # what others are compared with; empty: the centre
    compared_as: ClassVar[str] = "variant"  # what each of the others is called
    trial_columns: ClassVar[tuple[str, ...]] = ()  # what the table of trials shows besides
    answer: ClassVar[tuple[str, ...]] = ("level", "baselines", "ranges")  # sentences, by name
    caveat: ClassVar[str] = ""  # what a reader must know of its seeds before all intervals

    @property
    def crossed(self) -> bool:
        """Whether it moves several hyperparameters at once."""
        return False

    @property
    def random_points(self) -> bool:
        """Whether its points stand for draws from the ranges, whatever came out before."""
        return False

    @property
    def sections(self) -> Sequence[str]:
        """Sections of its page in their order, by name; every page has others around them.

        `dgsearch.report.sections.registry` lists the names.
        """
        joint = ("path", "sensitivity", "pairs", "importance", "dependence")
        tuning = ("tuning",) if self.random_points or self.proposals else ()
        return (
            "domains",
            "sources",
            "metrics",
            *tuning,
            "configurations",
            *(joint if self.crossed else ("sensitivity",)),
        )

    def ranges(self, method: str) -> Mapping[str, Any]:
        """What it varies of one method."""
        return self.vary

    @property
    def budget(self) -> int:
        """How many configurations each method has, where all have as many; else 0."""
        return 0

    def named_variants(self) -> Mapping[str, Mapping[str, Any]]:
        """What each variant that has a name replaces."""
        return {}

    def candidates(self, seeds: Mapping[str, int]) -> Collection[str]:
        """The configurations among which one may be chosen.

        Args:
            seeds: At how many seeds each of its points has finished, by config_id.
        """
        return seeds.keys()

    def chosen_words(self, *, best: str, metric: str) -> str:
        """How the configurations that count were chosen; empty where all count.

        Args:
            best: "highest" or "lowest", which is better.
            metric: Name of what selects.
        """
        return ""

    def seed_words(self, seeds: Sequence[int]) -> str:
        """The seeds of the study, as its page lists them."""
        return ", ".join(str(seed) for seed in seeds)

    def response_seeds(self, seeds: Sequence[int]) -> Sequence[int] | None:
        """Seeds that all points have, where others have only some; None: all seeds are such."""
        return None

    def game(self) -> Game | None:
        """The coalitions of switches that it runs; None for a design without switches."""
        return None

    # The points
    def trained_methods(self, asked: Asked) -> tuple[str, ...]:
        """Every method that the study trains, its own first."""
        return tuple(dict.fromkeys([asked.method, *asked.baselines, *self.added_methods()]))

    def added_methods(self) -> Sequence[str]:
        """Methods that the design itself names."""
        return ()

    def changes(self, space: Space) -> Iterator[Mapping[str, Any]]:
        """What differs from the centre, point by point."""
        yield from ()

    def points(self, asked: Asked, spaces: Mapping[str, Space]) -> list[Configuration]:
        """The design's own configurations; they may repeat."""
        space, varied = spaces[asked.method], tuple(self.vary)
        switches = space.switches(self.asks_for(asked.method))
        resolved = (space.resolve({**asked.hyperparameters, **v}) for v in self.changes(space))
        return [
            Configuration(asked.method, values, varied, switches=switches) for values in resolved
        ]

    def asks_for(self, method: str) -> Collection[str]:
        """Hyperparameters of a method in which the design's own configurations may differ."""
        return self.vary

    def configured(self, asked: Asked, spaces: Mapping[str, Space]) -> list[Configuration]:
        """The configurations known beforehand, without repetition: points and baselines."""
        points = self.points(asked, spaces)
        baselines = [
            Configuration(
                name,
                shared_values(asked, spaces[name]),
                role="baseline",
                switches=spaces[name].switches(),
            )
            for name in asked.baselines
        ]
        unique: dict[str, Configuration] = {}
        for item in [*points[:1], *baselines, *points[1:]]:
            unique.setdefault(item.config_id, item)
        return list(unique.values())

    # The trials
    def plan(
        self,
        asked: Asked,
        spaces: Mapping[str, Space],
        outcomes: Outcomes,
        *,
        images: Mapping[str, int] = MappingProxyType({}),
    ) -> AdaptivePlan | None:
        """What is decided over seeds; None for a design that decides nothing."""
        return None

    @property
    def proposals(self) -> int:
        """How many configurations are proposed while the study runs."""
        return 0

    @property
    def proposed_by(self) -> str:
        """The sampler that proposes: one of `dgsearch.designs.samplers`."""
        return "tpe"

    @property
    def goals(self) -> tuple[str, ...]:
        """The objectives by name where there are several; empty: the metric that selects."""
        return ()

    @property
    def limits(self) -> tuple[str, ...]:
        """The constraints of what is proposed, such as "train_s <= 60"."""
        return ()

    def enqueued(self, space: Space) -> Sequence[Mapping[str, Any]]:
        """Points that are proposed first, with a value for each name of `proposed`."""
        return ()

    @property
    def learns_from(self) -> str:
        """Another study whose finished trials inform the sampler; empty: none."""
        return ""

    @property
    def downloads(self) -> bool:
        """Whether a sampler that is not on this machine may be fetched."""
        return False

    def proposed(self, space: Space) -> dict[str, Any]:
        """What they are proposed from: for each name a `Range` or a tuple of values."""
        return {}

    def planned(self, asked: Asked, spaces: Mapping[str, Space]) -> list[PlannedTrial]:
        """The trials known beforehand, all seeds of a configuration together."""
        configurations = self.configured(asked, spaces)
        return [PlannedTrial(item, seed) for item in configurations for seed in asked.seeds]

    def planned_after(
        self, asked: Asked, spaces: Mapping[str, Space], ended: Ended
    ) -> Sequence[PlannedTrial]:
        """The trials known when some have ended, these included."""
        return self.planned(asked, spaces)

    def most_trials(self, asked: Asked, known: int) -> int:
        """Trials at most, proposals and further seeds included.

        Args:
            asked: The study.
            known: How many are known beforehand.
        """
        return known

    def most_seeds(self, asked: Asked) -> int:
        """Seeds of a configuration at most."""
        return len(asked.seeds)

    def phases(self, asked: Asked, spaces: Mapping[str, Space], *, halving: bool) -> list[Phase]:
        """What the runner does, one after another.

        Baselines have a phase of their own under `halving`: they are never cut short.
        """
        known = self.planned(asked, spaces)
        if not halving:
            return [Phase(lambda _: known)]
        baselines = [trial for trial in known if trial.configuration.role == "baseline"]
        others = [trial for trial in known if trial.configuration.role != "baseline"]
        return [Phase(lambda _: others, halved=True), Phase(lambda _: baselines)]

    # The outlook of `dgsearch plan`
    def outlook(self, asked: Asked, *, least: int, most: int) -> Iterator[tuple[str, str]]:
        """What is not known beforehand, as heading and text."""
        yield from ()

    def counted_as(self, trial: PlannedTrial) -> str:
        """What a planned trial is counted as."""
        return trial.configuration.role

    def comparisons(self, asked: Asked, trials: Iterable[PlannedTrial]) -> int:
        """Comparisons with the reference that are corrected together; 1 where not known."""
        return len({trial.configuration.config_id for trial in trials}) - 1

    # The checks
    def check(self, parts: Parts) -> Iterator[Problem]:
        """Problems of the design with the rest of the file and with what is installed."""
        yield from self.check_study(parts)
        yield from check_fixed(parts.fixed, self.vary, parts.method, parts.catalogue)
        space = parts.catalogue.space(parts.method)
        if space is not None:
            yield from self.check_values(parts, space)

    @property
    def most_points(self) -> int:
        """Configurations known beforehand, at most: counted without making any."""
        return 1 + sum(len(values) for values in self.vary.values() if isinstance(values, tuple))

    def check_size(self, seeds: int) -> Iterator[Problem]:
        """More trials at so many seeds than a machine can hold in memory, let alone train."""
        if self.most_points * seeds > MOST_TRIALS:
            message = (
                f"asks for {self.most_points:,} configurations at {plural(seeds, 'seed')}; a "
                f"study plans at most {MOST_TRIALS:,} trials: vary less, or let a search propose"
            )
            yield Problem("design", "", message)

    def check_study(self, parts: Parts) -> Iterator[Problem]:
        """Problems with seeds and baselines."""
        yield from ()

    def check_values(self, parts: Parts, space: Space) -> Iterator[Problem]:
        """Unknown names, values out of range, names fixed as well."""
        for name, values in self.vary.items():
            key = f"design.vary.{name}"
            if name not in space:
                yield Problem(key, "", f"unknown hyperparameter; {one_of(name, space.names)}")
                continue
            if name in parts.fixed and not self.replaces_fixed:
                yield Problem(key, "", "is fixed under [hyperparameters] too; remove one of them")
            yield from check_proposed(key, values, space[name])

    def check_halving(self, *, allow_truncated: bool) -> Iterator[Problem]:
        """The problem of `[halving]` where trials of full length are compared."""
        if not allow_truncated:
            yield Problem(
                "halving",
                "",
                f"the design {self.kind} compares trials of full length, and a shortened trial "
                "biases the comparison; remove [halving], or write halving.allow_truncated = true",
            )


def single_changes(vary: Mapping[str, Iterable[Any]]) -> Iterator[dict[str, Any]]:
    """Each value of each hyperparameter alone."""
    for name, values in vary.items():
        yield from ({name: value} for value in values)


def combinations(vary: Mapping[str, Iterable[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values."""
    for combination in itertools.product(*vary.values()):
        yield dict(zip(vary, combination, strict=True))
