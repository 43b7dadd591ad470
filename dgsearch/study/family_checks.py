"""Does a study of a family make sense: methods, shared and own ranges, enough points to draw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dgsearch.errors import Problem, one_of
from dgsearch.space import Int, Space
from dgsearch.study.checks import Catalogue, check_proposed, check_value
from dgsearch.study.spec import Family, Proposed, Range

__all__ = ["check_family"]


def check_family(
    design: Family,
    method: str,
    fixed: Mapping[str, Any],
    baselines: Sequence[str],
    catalogue: Catalogue,
) -> Iterator[Problem]:
    """Problems of a family.

    Args:
        design: The design.
        method: The study's own method.
        fixed: `[hyperparameters]`; each must belong to at least one of the methods.
        baselines: Of the study; a family has none, since they would be tuned less.
        catalogue: What is installed.
    """
    if baselines:
        message = "a family compares its methods with `method`; list them under [design.methods]"
        yield Problem("baselines", repr(list(baselines)), message)
    for name in design.methods:
        yield from catalogue.check_method(f"design.methods.{name}", name)
    spaces = {
        name: catalogue.methods[name]
        for name in dict.fromkeys([method, *design.methods])
        if name in catalogue.methods
    }
    yield from _check_fixed(fixed, spaces)
    for name, proposed in design.vary.items():
        yield from _check_shared(name, proposed, spaces)
    for name, own in design.methods.items():
        if name in spaces:
            yield from _check_own(name, own, design, spaces[name])
    for name, space in spaces.items():
        yield from _check_budget(name, design, space)


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
