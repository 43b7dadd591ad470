"""What is installed, and whether a hyperparameter's value is allowed.

Methods and benchmarks live in layers above this one, so what is known of them comes in as
a `Catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dgsearch.designs.fields import Proposed, Range
from dgsearch.errors import Problem, one_of
from dgsearch.space import Choice, Float, Int, Space


@dataclass(frozen=True)
class Catalogue:
    """What is installed: the space of each method, the domains of each benchmark."""

    methods: Mapping[str, Space]
    benchmarks: Mapping[str, tuple[str, ...]]
    one_target: frozenset[str] = field(default_factory=frozenset)  # methods with a single target
    families: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # that methods train with

    def check_method(self, key: str, name: str) -> Iterator[Problem]:
        """The problem of a method that is not installed, if it is one."""
        if name not in self.methods:
            yield Problem(key, repr(name), f"unknown method; {one_of(name, sorted(self.methods))}")

    def space(self, method: str) -> Space | None:
        """The space of a method, None where the method is unknown."""
        return self.methods.get(method)


def check_fixed(
    fixed: Mapping[str, Any], varied: Iterable[str], method: str, catalogue: Catalogue
) -> Iterator[Problem]:
    """Problems of `[hyperparameters]`, whether or not the method is installed."""
    space = catalogue.space(method)
    if space is None:
        yield from check_for_any_method(fixed, varied, catalogue)
    else:
        yield from check_hyperparameters(fixed, space)


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
