"""What to run: from a study to its configurations, and from these to planned trials.

A configuration is a point of the space whatever the seed; a planned trial is one
configuration at one seed. For a `search` the configurations are proposed while it runs.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dgsearch.sampling import drawn_points, in_range
from dgsearch.space import Space, Value
from dgsearch.study.spec import (
    FULL,
    Ablation,
    AdaptiveSeeds,
    Family,
    Grid,
    OneAtATime,
    Range,
    Search,
    Sobol,
    StudySpec,
)

__all__ = [
    "Configuration",
    "PlannedTrial",
    "methods_of",
    "plan_configurations",
    "plan_trials",
    "planned_total",
    "search_space",
    "sobol_points",
]

_ID_BYTES = 6
_SOBOL_SEED = 0  # the same points whenever they are drawn


@dataclass(frozen=True)
class Configuration:
    """A method with a value for each of its hyperparameters.

    Attributes:
        method: Name of the method.
        values: Every hyperparameter of the method.
        varied: Names among them that the study varies.
        role: What the study has it for: "point", "baseline" or "variant".
        variant: Name of the variant of an ablation, "full" for the method itself; the method in
            a family; else empty.
    """

    method: str
    values: Mapping[str, Value]
    varied: tuple[str, ...] = ()
    role: str = field(default="point", compare=False)
    variant: str = field(default="", compare=False)

    @cached_property
    def config_id(self) -> str:
        """Name of the configuration: equal for equal method and values, 12 hexadecimal digits."""
        text = json.dumps([self.method, dict(sorted(self.values.items()))])
        return hashlib.blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True)
class PlannedTrial:
    """One configuration at one seed."""

    configuration: Configuration
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same trial in another process: (config_id, seed)."""
        return self.configuration.config_id, self.seed


def plan_trials(spec: StudySpec, spaces: Mapping[str, Space]) -> list[PlannedTrial]:
    """Every trial of a study whose configurations are known beforehand.

    Args:
        spec: The study; a `search` gives only its baselines, `adaptive-seeds` its first seeds.
        spaces: Space of each method named in it.

    Returns:
        Trials in the order in which they should start: the centre and the baselines first,
        all seeds of a configuration together, so that shared stages are trained early.
    """
    configurations = plan_configurations(spec, spaces)
    return [PlannedTrial(item, seed) for item in configurations for seed in spec.seeds]


def planned_total(spec: StudySpec, spaces: Mapping[str, Space]) -> int:
    """How many trials a study will have at most, proposals and further seeds included."""
    known = len(plan_trials(spec, spaces))
    if isinstance(spec.design, AdaptiveSeeds):
        return known // len(spec.seeds) * spec.design.max_seeds
    if not isinstance(spec.design, Search):
        return known
    repeated = min(spec.design.confirm, spec.design.trials) * (len(spec.seeds) - 1)
    return known + spec.design.trials + repeated


def plan_configurations(spec: StudySpec, spaces: Mapping[str, Space]) -> list[Configuration]:
    """The configurations known beforehand, without repetition: points and baselines."""
    if isinstance(spec.design, Ablation):
        points = _variants(spec, spaces)
    elif isinstance(spec.design, Family):
        points = _members(spec, spec.design, spaces)
    else:
        points = _moved(spec, spaces)
    baselines = [
        Configuration(name, _shared_values(spec, spaces[name]), role="baseline")
        for name in spec.baselines
    ]
    ordered = [*points[:1], *baselines, *points[1:]]
    unique: dict[str, Configuration] = {}
    for item in ordered:
        unique.setdefault(item.config_id, item)
    return list(unique.values())


def sobol_points(design: Sobol, space: Space) -> list[dict[str, Value]]:
    """The points of a Sobol design in the order in which its indices are computed.

    SALib's sample of the unit cube, the same whenever it is drawn, stretched to the ranges: by
    equal ratios where the range or the hyperparameter is logarithmic, and in equal parts for
    each whole number.

    Args:
        design: Ranges by name, and the number of base points N.
        space: Says which hyperparameters are whole numbers or logarithmic.

    Returns:
        N * (D + 2) points for D hyperparameters: values by name; whole numbers can repeat.
    """
    from SALib.sample.sobol import sample  # takes over a second to import

    problem = {
        "num_vars": len(design.vary),
        "names": list(design.vary),
        "bounds": [[0.0, 1.0]] * len(design.vary),
    }
    unit = sample(problem, design.samples, calc_second_order=False, seed=_SOBOL_SEED)
    return [
        {
            name: in_range(share, interval, space[name])
            for share, (name, interval) in zip(row, design.vary.items(), strict=True)
        }
        for row in unit.tolist()
    ]


def search_space(design: Search, space: Space) -> dict[str, Any]:
    """What a search proposes from: for each name a `Range` or a tuple of values."""
    proposed: dict[str, Any] = {}
    for name, values in design.vary.items():
        if isinstance(values, Range):
            declared = getattr(space[name], "log", False)
            log = declared if values.log is None else values.log
            proposed[name] = values.model_copy(update={"log": log})
        else:
            proposed[name] = tuple(space[name].parse(value) for value in values)
    return proposed


def _moved(spec: StudySpec, spaces: Mapping[str, Space]) -> list[Configuration]:
    """The configurations of a design that moves hyperparameters over values."""
    space, varied = spaces[spec.method], tuple(spec.design.vary)
    return [
        Configuration(spec.method, space.resolve({**spec.hyperparameters, **values}), varied)
        for values in _points(spec, space)
    ]


def _variants(spec: StudySpec, spaces: Mapping[str, Space]) -> list[Configuration]:
    """The full method, then each variant of an ablation."""
    assert isinstance(spec.design, Ablation)
    made = []
    for variant, changes in {FULL: {}, **spec.design.variants}.items():
        method = str(changes.get("method", spec.method))
        own = {name: value for name, value in changes.items() if name != "method"}
        values = {**_shared_values(spec, spaces[method]), **own}
        resolved = spaces[method].resolve(values)
        made.append(Configuration(method, resolved, role="variant", variant=variant))
    return made


def _members(spec: StudySpec, design: Family, spaces: Mapping[str, Space]) -> list[Configuration]:
    """As many configurations of each method, the centres of all methods first."""
    budgets = [
        _budget(spec, design, method, spaces[method]) for method in methods_of(spec)
    ]  # one list a method
    return [member for turn in zip(*budgets, strict=True) for member in turn]


def _budget(spec: StudySpec, design: Family, method: str, space: Space) -> list[Configuration]:
    """A method at its centre, then at the first points of the sequence that are new."""
    ranges = design.ranges(method)
    found: dict[str, Configuration] = {}
    points = drawn_points(ranges, space) if ranges else iter(())
    for point in itertools.chain([{}], points):
        values = space.resolve({**_shared_values(spec, space), **point})
        member = Configuration(method, values, tuple(ranges), role="variant", variant=method)
        found.setdefault(member.config_id, member)
        if len(found) == design.configurations:
            break
    return list(found.values())


def methods_of(spec: StudySpec) -> tuple[str, ...]:
    """Every method that a study trains: its own, the baselines, those of variants or a family."""
    named: list[str] = []
    if isinstance(spec.design, Ablation):
        changed = spec.design.variants.values()
        named = [str(changes["method"]) for changes in changed if "method" in changes]
    elif isinstance(spec.design, Family):
        named = list(spec.design.methods)
    return tuple(dict.fromkeys([spec.method, *spec.baselines, *named]))


def _points(spec: StudySpec, space: Space) -> Iterator[dict[str, Any]]:
    """The values that differ from the centre, point by point; the centre first."""
    design = spec.design
    if not isinstance(design, Grid | Search):
        yield {}
    if isinstance(design, Sobol):
        yield from sobol_points(design, space)
    elif isinstance(design, OneAtATime) or (
        isinstance(design, AdaptiveSeeds) and design.combine == "one-at-a-time"
    ):
        yield from _single_changes(design.vary)
    elif isinstance(design, Grid | AdaptiveSeeds):
        yield from _combinations(design.vary)


def _single_changes(vary: Mapping[str, Iterable[Any]]) -> Iterator[dict[str, Any]]:
    for name, values in vary.items():
        yield from ({name: value} for value in values)


def _combinations(vary: Mapping[str, Iterable[Any]]) -> Iterator[dict[str, Any]]:
    for combination in itertools.product(*vary.values()):
        yield dict(zip(vary, combination, strict=True))


def _shared_values(spec: StudySpec, space: Space) -> dict[str, Value]:
    shared = {name: value for name, value in spec.hyperparameters.items() if name in space}
    return space.resolve(shared)
