"""Known points that a search proposes first: could it have proposed them itself?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dgsearch.designs.catalogue import check_value
from dgsearch.designs.fields import Proposed, Range
from dgsearch.errors import Problem, one_of
from dgsearch.space import Space


def check_enqueued(
    points: Sequence[Mapping[str, Any]],
    vary: Mapping[str, Proposed],
    space: Space,
    *,
    most: int,
) -> Iterator[Problem]:
    """Problems of `design.enqueue`: names, values, repetitions, more points than trials."""
    if len(points) > most:
        message = f"has {len(points)} points, and design.trials is {most}; raise it"
        yield Problem("design.enqueue", "", message)
    seen: dict[tuple[Any, ...], int] = {}
    for place, point in enumerate(points):
        key = f"design.enqueue[{place}]"
        found = list(_problems(key, point, vary, space))
        yield from found
        if found:
            continue
        values = tuple(space[name].parse(point[name]) for name in vary)
        if values in seen:
            yield Problem(key, "", f"repeats design.enqueue[{seen[values]}]; remove one of them")
        seen.setdefault(values, place)


def _problems(
    key: str, point: Mapping[str, Any], vary: Mapping[str, Proposed], space: Space
) -> Iterator[Problem]:
    for name in point:
        if name not in vary:
            message = f"is not varied; {one_of(name, tuple(vary))}"
            yield Problem(f"{key}.{name}", "", message)
    for name, proposed in vary.items():
        if name not in space:
            continue  # said of design.vary
        if name not in point:
            yield Problem(f"{key}.{name}", "", "is missing; give a value for each that is varied")
            continue
        wrong = list(check_value(f"{key}.{name}", point[name], space[name]))
        yield from wrong
        if not wrong and not _is_within(space[name].parse(point[name]), proposed, space, name):
            message = f"is outside design.vary.{name}, {_words(proposed)}"
            yield Problem(f"{key}.{name}", repr(point[name]), message)


def _is_within(value: Any, proposed: Proposed, space: Space, name: str) -> bool:
    if isinstance(proposed, Range):
        return bool(proposed.low <= value <= proposed.high)
    item = space[name]
    return any(
        not [*check_value("", each, item)] and item.parse(each) == value for each in proposed
    )


def _words(proposed: Proposed) -> str:
    if isinstance(proposed, Range):
        return f"{proposed.low:g} to {proposed.high:g}"
    return "one of " + ", ".join(str(each) for each in proposed)
