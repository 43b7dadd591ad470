"""Halving replayed on full curves: the decisions of the engine, many rules and orders at once.

The engine (`dgsearch.runner.halving`) stops a trial at the first report of a rung where its value
lies below a percentile of the values recorded there before, and records it whatever it decides
[Li20]. Trials come one after another here, so at every rung they come in the order in which they
began; with several at a time they would overtake each other, which is one more order.

The percentile of the values before each arrival is found backwards: the trials of a rung are
taken out of their sorted list from the last to arrive to the first, and the percentile moves by
at most one place each time. That is the same work for every rule and order, done for all in one
array.

[Li20] is Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Bracket", "Halved", "halved_at", "rungs"]

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Bracket:
    """Rungs that some trials pass through.

    Attributes:
        rungs: Epochs at which a trial may be stopped, rising; all before the last epoch.
        keep_one_in: eta: a trial must be in the best 1/eta of those before it.
    """

    rungs: tuple[int, ...]
    keep_one_in: int

    @property
    def share(self) -> float:
        """The quantile that a trial must reach."""
        return (1 - 1 / self.keep_one_in) * 100 / 100  # as the engine computes it


def rungs(grace: int, epochs: int, keep_one_in: int, bracket: int = 0) -> tuple[int, ...]:
    """The epochs where the engine decides, rising: grace * eta^(k + bracket), before the last.

    Args:
        grace: No trial is stopped before this epoch.
        epochs: Of a trial of full length.
        keep_one_in: eta.
        bracket: s: how many of the first rungs are left out.
    """
    grace = min(grace, epochs)
    count = int(np.log(epochs / grace) / np.log(keep_one_in) - bracket + 1)
    made = (grace * keep_one_in ** (k + bracket) for k in range(count))
    return tuple(epoch for epoch in made if epoch < epochs)


class Halved(NamedTuple):
    """Trials that go through one bracket in one order.

    Attributes:
        bracket: Its rungs.
        order: Numbers of the trials as they arrive.
    """

    bracket: Bracket
    order: Whole


def halved_at(values: Numbers, groups: Sequence[Halved]) -> list[Whole]:
    """The last epoch of each trial of each group.

    Args:
        values: (trials, epochs): what each trial reports after each epoch, higher is better, none
            missing.
        groups: Brackets with the trials that pass through them; groups know nothing of each other.

    Returns:
        For each group the last epoch of each of its trials, in the order of its arrival.
    """
    ends = [np.full(len(group.order), values.shape[1]) for group in groups]
    alive = [np.arange(len(group.order)) for group in groups]  # places in the order
    for level in range(max((len(group.bracket.rungs) for group in groups), default=0)):
        judged = [
            place
            for place, group in enumerate(groups)
            if level < len(group.bracket.rungs) and len(alive[place]) > 1
        ]
        if not judged:
            continue
        rows = [groups[place].order[alive[place]] for place in judged]
        epochs = [groups[place].bracket.rungs[level] for place in judged]
        shares = np.array([groups[place].bracket.share for place in judged])
        reached = [values[row, epoch - 1] for row, epoch in zip(rows, epochs, strict=True)]
        for place, epoch, stopped in zip(judged, epochs, _stopped(reached, shares), strict=True):
            ends[place][alive[place][stopped]] = epoch
            alive[place] = alive[place][~stopped]
    return ends


def _stopped(reached: Sequence[Numbers], shares: Numbers) -> list[np.ndarray[Any, Any]]:
    """Who is stopped at a rung, for each row of values in their order of arrival."""
    counts = [len(row) for row in reached]
    longest = max(counts)
    padded = np.full((len(reached), longest), np.inf)  # come last, and are asked nothing
    for place, row in enumerate(reached):
        padded[place, : len(row)] = row
    stopped = padded < _percentiles_before(padded, shares)
    return [row[:count] for row, count in zip(stopped, counts, strict=True)]


def _percentiles_before(arriving: Numbers, shares: Numbers) -> Numbers:
    """The percentile of the values before each, by numpy's linear interpolation.

    Args:
        arriving: (rows, n) in their order.
        shares: (rows,) in 0..1: which quantile.

    Returns:
        (rows, n); minus infinity where nothing came before.
    """
    rows, count = arriving.shape
    order = np.argsort(arriving, axis=1, kind="stable")
    ends = np.full((rows, 1), np.inf)
    ordered = np.hstack([-ends, np.take_along_axis(arriving, order, axis=1), ends]).ravel()
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(1, count + 1)[None, :], axis=1)
    # a sorted list of each row as links between places; 0 and n + 1 are its ends
    base = np.arange(rows) * (count + 2)
    after = (np.arange(1, count + 3)[None, :] + base[:, None]).ravel()
    before = (np.arange(-1, count + 1)[None, :] + base[:, None]).ravel()
    place += base[:, None]
    found = np.full((rows, count), -np.inf)
    wanted = np.floor(shares * (count - 1)).astype(np.int64)
    at = base + 1 + wanted  # the place of the lower neighbour of the percentile
    index = wanted  # its index among those that are still in the list
    for arrival in range(count - 1, 0, -1):  # take one out: those before it are left
        gone = place[:, arrival]
        left, right = before[gone], after[gone]
        after[left], before[right] = right, left
        index = index - (gone < at)
        at = np.where(gone == at, right, at)  # the index stays
        exact = shares * (arrival - 1)
        wanted = np.floor(exact).astype(np.int64)
        at = np.where(index > wanted, before[at], np.where(index < wanted, after[at], at))
        index = wanted
        low, high = ordered[at], ordered[after[at]]
        found[:, arrival] = _between(low, high, exact - wanted)
    return found


def _between(low: Numbers, high: Numbers, share: Numbers) -> Numbers:
    """Interpolate as numpy does, to the last bit; with share 0 the end of a list is not read."""
    high = np.where(share > 0, high, low)
    with np.errstate(invalid="ignore"):  # infinite padding, whose decisions nobody reads
        apart = high - low
        return np.where(share >= 0.5, high - apart * (1 - share), low + apart * share)
