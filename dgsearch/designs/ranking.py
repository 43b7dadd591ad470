"""Which of the proposed configurations are the best: by one number, or as a Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

Name = TypeVar("Name")


def best_points(
    losses: Mapping[Name, Sequence[float]], excess: Mapping[Name, float], count: int
) -> list[Name]:
    """The best of some points: those within the constraints first.

    Of several objectives they are those that no other point dominates; where these are more than
    `count`, they are spread evenly over the front, its ends among them.

    Args:
        losses: The objectives of each point, turned so that less is better; NaN: left out.
        excess: How far each lies beyond the constraints; 0: within them.
        count: How many at most.

    Returns:
        By one objective the best first; of a front in the order of the first objective. Points
        beyond the constraints come last, the nearest first, and only where there are too few.
    """
    known = {name: each for name, each in losses.items() if not any(map(math.isnan, each))}
    within = [name for name in known if excess.get(name, 0.0) <= 0]
    beyond = sorted((name for name in known if name not in set(within)), key=lambda n: excess[n])
    within.sort(key=lambda name: tuple(known[name]))
    if within and len(known[within[0]]) > 1:
        on = front([known[name] for name in within])
        within = _spread(
            [name for name, efficient in zip(within, on, strict=True) if efficient], count
        )
        return within or beyond[:1]
    return [*within, *beyond][:count]


def front(losses: Sequence[Sequence[float]]) -> list[bool]:
    """Of each point, whether no other one is at least as good everywhere and better somewhere."""
    table = np.asarray(losses, dtype=float)
    found = []
    for own in table:
        dominated = (table <= own).all(axis=1) & (table < own).any(axis=1)
        found.append(not bool(dominated.any() or np.isnan(own).any()))
    return found


def _spread(names: list[Name], count: int) -> list[Name]:
    """So many of the names, evenly from the first to the last."""
    if len(names) <= count or count < 2:
        return names[:count]
    places = [round(at * (len(names) - 1) / (count - 1)) for at in range(count)]
    return [names[place] for place in dict.fromkeys(places)]
