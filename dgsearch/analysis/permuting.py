"""How large is a statistic where nothing matters? Outcomes are permuted and it is computed again.

Whole configurations change places: the outcomes of one configuration's seeds stay together, so
that repeats do not count as independent. Of several statistics (one a hyperparameter) the
largest decides, each in units of its own null (Westfall and Young 1993, the step without
removal): on noise any of them passes its limit in at most 5% of studies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "LEVEL",
    "PERMUTATIONS",
    "Null",
    "Numbers",
    "Places",
    "against_null",
    "null_of",
    "permuted_places",
]

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]

PERMUTATIONS = 99  # the smallest p is 0.01
LEVEL = 0.05


class Null(NamedTuple):
    """Statistics compared with those of permuted outcomes.

    Attributes:
        observed: (statistics,).
        limit: (statistics,) Value that is passed by chance in any of them in 5% of studies.
        p: (statistics,) Corrected for their number; at least 1 / (permutations + 1).
    """

    observed: Numbers
    limit: Numbers
    p: Numbers


def permuted_places(
    configurations: Sequence[Hashable],
    seeds: Sequence[Hashable],
    random: np.random.Generator,
    *,
    repeats: int = PERMUTATIONS,
) -> list[Places]:
    """Which row each row takes its outcome from, once a permutation.

    Configurations change places with those of the same seeds, seed by seed.

    Args:
        configurations: Of each row.
        seeds: Of each row; a configuration has a seed once.
        random: Draws the permutations.
        repeats: How many.
    """
    rows: dict[Hashable, list[int]] = defaultdict(list)
    order = sorted(range(len(seeds)), key=lambda row: str(seeds[row]))
    for row in order:
        rows[configurations[row]].append(row)
    alike: dict[tuple[Hashable, ...], list[list[int]]] = defaultdict(list)
    for own in rows.values():
        alike[tuple(seeds[row] for row in own)].append(own)
    # each (configurations, seeds)
    blocks = [
        np.array(group, dtype=np.intp) for group in alike.values()
    ]  # (configurations, seeds)
    found = []
    for _ in range(repeats):
        places = np.empty(len(seeds), dtype=np.intp)
        for block in blocks:
            places[block] = random.permutation(block)
        found.append(places)
    return found


def against_null(
    statistics: Callable[[Numbers], Numbers], outcome: Numbers, permutations: Sequence[Places]
) -> Null:
    """The statistics of the outcome, and what they are where outcomes are permuted.

    Args:
        statistics: From outcomes (outcomes, rows) to numbers (outcomes, statistics) that are large
            where something matters.
        outcome: (rows,).
        permutations: From `permuted_places`.
    """
    return null_of(statistics(np.array([outcome, *(outcome[own] for own in permutations)])))


def null_of(everything: Numbers) -> Null:
    """The statistics of an outcome beside those of its permutations, of which it is one.

    Args:
        everything: (1 + permutations, statistics), those of the outcome first.
    """
    middle = np.median(everything, axis=0)
    width = np.quantile(everything, 0.9, axis=0) - middle
    with np.errstate(invalid="ignore", divide="ignore"):
        sizes = np.where(width > 0, (everything - middle) / width, 0.0)
    largest = np.sort(sizes.max(axis=1))
    reached = len(largest) - np.searchsorted(largest, sizes[0], side="left")
    allowed = int(np.floor(LEVEL * len(largest)))  # of the permutations may reach it
    edge = largest[len(largest) - allowed - 1]
    return Null(everything[0], middle + edge * width, reached / len(largest))
