"""Does a study make sense: names, ranges and domains against what is installed.

Methods and benchmarks live in layers above this one, so what is known of them comes in as
a `Catalogue`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dgsearch.decisions import LEAST_PAIRS
from dgsearch.errors import MethodError, Problem, one_of
from dgsearch.space import Choice, Float, Int, Space
from dgsearch.study.spec import (
    FULL,
    Ablation,
    AdaptiveSeeds,
    DataSpec,
    Design,
    Halving,
    Proposed,
    Range,
    Search,
    Sobol,
)

__all__ = [
    "Catalogue",
    "check_adaptive",
    "check_data",
    "check_design",
    "check_for_any_method",
    "check_halving",
    "check_hyperparameters",
    "check_proposed",
    "check_value",
    "check_variants",
]


@dataclass(frozen=True)
class Catalogue:
    """What is installed: the space of each method, the domains of each benchmark."""

    methods: Mapping[str, Space]
    benchmarks: Mapping[str, tuple[str, ...]]
    one_target: frozenset[str] = field(default_factory=frozenset)  # methods with a single target

    def check_method(self, key: str, name: str) -> Iterator[Problem]:
        """The problem of a method that is not installed, if it is one."""
        if name not in self.methods:
            yield Problem(key, repr(name), f"unknown method; {one_of(name, sorted(self.methods))}")

    def space(self, method: str) -> Space | None:
        """The space of a method, None where the method is unknown."""
        return self.methods.get(method)


def check_data(
    data: DataSpec, catalogue: Catalogue, methods: list[str], *, given: bool = False
) -> Iterator[Problem]:
    """Problems of `[data]`: unknown benchmark, unknown domain, a domain on both sides.

    `given` says that there is a `[teacher]`, which needs no source.
    """
    if not data.source and not given:
        message = "is missing; name the domains to train on, or give a teacher under [teacher]"
        yield Problem("data.source", "", message)
    domains = catalogue.benchmarks.get(data.benchmark)
    if domains is None:
        allowed = one_of(data.benchmark, sorted(catalogue.benchmarks))
        yield Problem("data.benchmark", repr(data.benchmark), f"unknown benchmark; {allowed}")
        return
    for side in ("source", "targets"):
        for place, name in enumerate(getattr(data, side)):
            if domains and name not in domains:  # none are known where the data itself says
                message = f"not a domain of {data.benchmark}; {one_of(name, domains)}"
                yield Problem(f"data.{side}[{place}]", repr(name), message)
    for name in sorted(set(data.source) & set(data.targets)):
        yield Problem(
            "data.targets", repr(name), "is a source too; a target must not be trained on"
        )
    alone = [method for method in methods if method in catalogue.one_target]
    if alone and len(data.targets) > 1:
        message = f"{alone[0]} trains a student for one target domain; name one"
        yield Problem("data.targets", repr(list(data.targets)), message)
    others = [method for method in methods if method not in catalogue.one_target]
    if alone and others:
        message = (
            f"{alone[0]} trains on a part of the target and is tested on the rest, {others[0]} is "
            "tested on all of it; compare methods of one kind in a study"
        )
        yield Problem("method", repr([*alone, *others]), message)


def check_hyperparameters(values: Mapping[str, Any], space: Space) -> Iterator[Problem]:
    """Problems of `[hyperparameters]`: unknown names, values out of range."""
    for name, value in values.items():
        key = f"hyperparameters.{name}"
        if name not in space:
            yield Problem(key, "", f"unknown hyperparameter; {one_of(name, space.names)}")
        else:
            yield from check_value(key, value, space[name])


def check_for_any_method(
    fixed: Mapping[str, Any], varied: Iterable[str], catalogue: Catalogue
) -> Iterator[Problem]:
    """What is wrong whichever method is meant, where the file names one that is not installed.

    That is a hyperparameter that no method has, and a value that every method that has the
    hyperparameter refuses.
    """
    spaces = list(catalogue.methods.values())
    names = tuple(dict.fromkeys(name for space in spaces for name in space.names))
    keys = {f"hyperparameters.{name}": name for name in fixed}
    keys |= {f"design.vary.{name}": name for name in varied}
    for key, name in keys.items():
        if name not in names:
            yield Problem(key, "", f"no method has this hyperparameter; {one_of(name, names)}")
    for name, value in fixed.items():
        refusals = [
            list(check_value(f"hyperparameters.{name}", value, space[name]))
            for space in spaces
            if name in space
        ]
        if refusals and all(refusals):
            yield from refusals[0]


def check_design(design: Design, fixed: Mapping[str, Any], space: Space) -> Iterator[Problem]:
    """Problems of `[design]`: unknown names, values out of range, names fixed as well."""
    for name, values in design.vary.items():
        key = f"design.vary.{name}"
        if name not in space:
            yield Problem(key, "", f"unknown hyperparameter; {one_of(name, space.names)}")
            continue
        if name in fixed and isinstance(design, Search | Sobol):
            yield Problem(key, "", "is fixed under [hyperparameters] too; remove one of them")
        yield from check_proposed(key, values, space[name])


def check_variants(
    design: Ablation, method: str, fixed: Mapping[str, Any], catalogue: Catalogue
) -> Iterator[Problem]:
    """Problems of `[design.variants]`: unknown names, values out of range, variants alike."""
    seen: dict[str, str] = {_resolved(catalogue.methods[method], method, fixed): FULL}
    for name, changes in design.variants.items():
        key = f'design.variants."{name}"'
        own = str(changes.get("method", method))
        if name == FULL:
            yield Problem(key, "", "is the name of the full method; choose another")
        problems = list(catalogue.check_method(f"{key}.method", own))
        if not problems:
            rest = {item: value for item, value in changes.items() if item != "method"}
            problems = list(_check_changes(key, rest, catalogue.methods[own]))
        yield from problems
        if not problems:
            shown = _resolved(catalogue.methods[own], own, {**fixed, **changes})
            if shown in seen:
                yield Problem(key, "", f"is the same as {seen[shown]!r}; remove one of them")
            seen.setdefault(shown, name)


def _check_changes(key: str, changes: Mapping[str, Any], space: Space) -> Iterator[Problem]:
    for item, value in changes.items():
        if item not in space:
            message = f"unknown hyperparameter; {one_of(item, space.names)}"
            yield Problem(f"{key}.{item}", "", message)
        else:
            yield from check_value(f"{key}.{item}", value, space[item])


def _resolved(space: Space, method: str, values: Mapping[str, Any]) -> str:
    """Method and values as text, equal where the configurations are; "" for bad values."""
    known = {name: value for name, value in values.items() if name in space}
    try:
        return json.dumps([method, space.resolve(known)])
    except MethodError:
        return ""  # reported where the value stands


def check_halving(halving: Halving | None, design: Design) -> Iterator[Problem]:
    """The problem of a design that compares full-length trials yet lets ASHA shorten them."""
    if halving is None or isinstance(design, Search):
        return
    if isinstance(design, AdaptiveSeeds):
        message = f"the design {design.kind} compares trials of full length only; remove [halving]"
        yield Problem("halving", "", message)
        return
    if halving.allow_truncated:
        return
    yield Problem(
        "halving",
        "",
        f"the design {design.kind} compares trials of full length, and a shortened trial biases "
        "the comparison; remove [halving], or write halving.allow_truncated = true",
    )


def check_adaptive(
    design: AdaptiveSeeds, seeds: Sequence[int], baselines: Sequence[str]
) -> Iterator[Problem]:
    """Problems of an adaptive design with the seeds and the baselines of its study."""
    if len(seeds) < LEAST_PAIRS:
        message = "adaptive-seeds compares over seeds from its first look on; list at least three"
        yield Problem("seeds", repr(list(seeds)), message)
    if design.max_seeds < len(seeds):
        message = f"must be at least {len(seeds)}, the number of the study's own seeds"
        yield Problem("design.max_seeds", repr(design.max_seeds), message)
    if design.against == "baseline" and not baselines:
        message = 'the study has no baselines; list one under baselines, or write "centre"'
        yield Problem("design.against", repr(design.against), message)


def check_proposed(key: str, values: Proposed, item: Float | Int | Choice) -> Iterator[Problem]:
    """Problems of an interval, or of a list of values, of one hyperparameter."""
    if isinstance(values, Range):
        yield from _check_range(key, values, item)
        return
    for place, value in enumerate(values):
        yield from check_value(f"{key}[{place}]", value, item)


def check_value(key: str, value: Any, item: Float | Int | Choice) -> Iterator[Problem]:
    """The problem of one value, if it is not allowed."""
    try:
        item.parse(value)
    except ValueError as error:
        yield Problem(key, repr(value), str(error))


def _check_range(key: str, interval: Range, item: Float | Int | Choice) -> Iterator[Problem]:
    if isinstance(item, Choice):
        yield Problem(key, "", f"is no number; list some of {', '.join(item.options)}")
        return
    yield from check_value(f"{key}.low", interval.low, item)
    yield from check_value(f"{key}.high", interval.high, item)
