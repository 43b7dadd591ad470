"""`family`: several methods at an equal tuning budget."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from dgsearch.designs.base import Design
from dgsearch.designs.catalogue import check_proposed, check_value
from dgsearch.designs.fields import Proposed, Range
from dgsearch.designs.points import Asked, Configuration, Parts, PlannedTrial, shared_values
from dgsearch.designs.sampling import drawn_points
from dgsearch.errors import Problem, one_of
from dgsearch.space import Int, Space


class Family(Design, frozen=True):
    """Several methods, each at as many configurations as every other: an equal tuning budget.

    The study's own method is one of them, and what the others are compared with. Each method
    is trained at its centre first, then at points of a Sobol sequence over the shared ranges
    and its own, all of them at every seed.
    """

    kind: Literal["family"]
    configurations: PositiveInt  # of each method, its centre included
    # the other methods, each with a table of its own ranges or lists of values
    methods: Annotated[dict[str, dict[str, Proposed]], Field(min_length=1)]
    vary: dict[str, Proposed] = Field(default_factory=dict)  # ranges that all methods share

    names_methods: ClassVar[bool] = True
    one_a_method: ClassVar[bool] = True
    compared_as: ClassVar[str] = "method"
    trial_columns: ClassVar[tuple[str, ...]] = ("configuration",)
    answer: ClassVar[tuple[str, ...]] = ("methods", "variants")

    @property
    def sections(self) -> Sequence[str]:
        """Its methods against the study's own, and what their tuning brought."""
        return ("domains", "sources", "metrics", "family", "tuning")

    @property
    def random_points(self) -> bool:
        """Points of a Sobol sequence, which fill the ranges more evenly than draws."""
        return True

    def ranges(self, method: str) -> dict[str, Range | tuple[Any, ...]]:
        """What a method is drawn from: the shared ranges, then its own."""
        return {**self.vary, **self.methods.get(method, {})}

    def asks_for(self, method: str) -> Collection[str]:
        """What the method is drawn from."""
        return self.ranges(method)

    @property
    def most_points(self) -> int:
        """As many of each method."""
        return self.configurations * (1 + len(self.methods))

    @property
    def budget(self) -> int:
        """How many configurations each method has."""
        return self.configurations

    def chosen_words(self, *, best: str, metric: str) -> str:
        """By the mean on the validation split."""
        return (
            f"Each method is shown at the configuration with its {best} mean {metric} on the "
            "validation split over the seeds."
        )

    def added_methods(self) -> Sequence[str]:
        """Its methods."""
        return list(self.methods)

    def points(self, asked: Asked, spaces: Mapping[str, Space]) -> list[Configuration]:
        """As many configurations of each method, the centres of all methods first."""
        budgets = [
            self._budget(asked, method, spaces[method]) for method in self.trained_methods(asked)
        ]  # one list a method
        return [member for turn in zip(*budgets, strict=True) for member in turn]

    def _budget(self, asked: Asked, method: str, space: Space) -> list[Configuration]:
        """A method at its centre, then at the first points of the sequence that are new."""
        ranges = self.ranges(method)
        found: dict[str, Configuration] = {}
        points = drawn_points(ranges, space) if ranges else iter(())
        for point in itertools.chain([{}], points):
            values = space.resolve({**shared_values(asked, space), **point})
            member = Configuration(
                method,
                values,
                tuple(ranges),
                role="variant",
                variant=method,
                switches=space.switches(ranges),
            )
            found.setdefault(member.config_id, member)
            if len(found) == self.configurations:
                break
        return list(found.values())

    def outlook(self, asked: Asked, *, least: int, most: int) -> Iterator[tuple[str, str]]:
        """Methods, and the budget of each."""
        count = len(self.trained_methods(asked))
        yield "family", f"{count} methods, {self.configurations} configurations of each"

    def counted_as(self, trial: PlannedTrial) -> str:
        """A trial of a method."""
        return "method"

    def comparisons(self, asked: Asked, trials: Iterable[PlannedTrial]) -> int:
        """Each other method with the study's own."""
        return len(self.trained_methods(asked)) - 1

    def check(self, parts: Parts) -> Iterator[Problem]:
        """Problems of methods, of shared and own ranges, of budgets that no range can fill.

        Each of `[hyperparameters]` must belong to at least one of the methods. There are no
        baselines, since they would be tuned less.
        """
        if parts.baselines:
            message = (
                "a family compares its methods with `method`; list them under [design.methods]"
            )
            yield Problem("baselines", repr(list(parts.baselines)), message)
        for name in self.methods:
            yield from parts.catalogue.check_method(f"design.methods.{name}", name)
        spaces = {
            name: parts.catalogue.methods[name]
            for name in dict.fromkeys([parts.method, *self.methods])
            if name in parts.catalogue.methods
        }
        yield from _check_fixed(parts.fixed, spaces)
        for name, proposed in self.vary.items():
            yield from _check_shared(name, proposed, spaces)
        for name, own in self.methods.items():
            if name in spaces:
                yield from _check_own(name, own, self, spaces[name])
        for name, space in spaces.items():
            yield from _check_budget(name, self, space)


def _check_fixed(fixed: Mapping[str, Any], spaces: Mapping[str, Space]) -> Iterator[Problem]:
    known = tuple(dict.fromkeys(item for space in spaces.values() for item in space.names))
    for name, value in fixed.items():
        key = f"hyperparameters.{name}"
        if name not in known:
            message = f"unknown hyperparameter of every method; {one_of(name, known)}"
            yield Problem(key, "", message)
            continue
        descriptions = [space[name] for space in spaces.values() if name in space]
        problems = [list(check_value(key, value, item)) for item in descriptions]
        yield from next((found for found in problems if found), [])


def _check_shared(name: str, proposed: Proposed, spaces: Mapping[str, Space]) -> Iterator[Problem]:
    key = f"design.vary.{name}"
    without = [method for method, space in spaces.items() if name not in space]
    if without:
        message = (
            f"is no hyperparameter of {', '.join(without)}; shared ranges belong to every method, "
            "so move it below the methods that have it"
        )
        yield Problem(key, "", message)
    having = [space[name] for space in spaces.values() if name in space]
    problems = [list(check_proposed(key, proposed, item)) for item in having]
    yield from next((found for found in problems if found), [])


def _check_own(
    method: str, own: Mapping[str, Proposed], design: Family, space: Space
) -> Iterator[Problem]:
    for name, proposed in own.items():
        key = f"design.methods.{method}.{name}"
        if name not in space:
            yield Problem(key, "", f"unknown hyperparameter; {one_of(name, space.names)}")
        elif name in design.vary:
            yield Problem(key, "", "is shared under [design.vary] too; remove one of them")
        else:
            yield from check_proposed(key, proposed, space[name])


def _check_budget(method: str, design: Family, space: Space) -> Iterator[Problem]:
    """The problem of ranges with fewer points than the method must be trained at."""
    ranges = design.ranges(method)
    if any(name not in space for name in ranges):
        return
    points = math.prod(_size(proposed, space, name) for name, proposed in ranges.items())
    if points < design.configurations and design.configurations > 1:
        yield Problem(
            "design.configurations",
            repr(design.configurations),
            f"{method} has {points if ranges else 'no'} points to draw; give it wider ranges, "
            "share some under [design.vary], or lower configurations",
        )


def _size(proposed: Proposed, space: Space, name: str) -> float:
    """How many points a range has."""
    if not isinstance(proposed, Range):
        return len(proposed)
    if isinstance(space[name], Int):
        return math.floor(proposed.high) - math.ceil(proposed.low) + 1
    return math.inf
