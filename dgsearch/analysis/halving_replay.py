"""Halving replayed on full curves: the decisions of the engine, many rules and orders at once.

The engine (`dgsearch.runner.halving`) stops a trial at the first report of a rung where its value
lies below a percentile of the values recorded there before, and records it whatever it decides
[Li20]. Trials come one after another here, so at every rung they come in the order in which they
began; with several at a time they would overtake each other, which is one more order.

Whether a value lies below the percentile of those before it follows from how many of them it
reaches; only where it lies between the percentile's two neighbours are these looked for. All rules
and orders are counted in one array.

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
Booleans = np.ndarray[Any, np.dtype[np.bool_]]


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


def _stopped(reached: Sequence[Numbers], shares: Numbers) -> list[Booleans]:
    """Who is stopped at a rung, for each row of values in their order of arrival."""
    counts = [len(row) for row in reached]
    longest = max(counts)
    padded = np.full((len(reached), longest), np.inf)  # come last, and are asked nothing
    for place, row in enumerate(reached):
        padded[place, : len(row)] = row
    stopped = _below_percentiles(padded, shares)
    return [row[:count] for row, count in zip(stopped, counts, strict=True)]


def _below_percentiles(arriving: Numbers, shares: Numbers) -> Booleans:
    """Whether each value lies below the percentile of those before it (numpy's, linear).

    Args:
        arriving: (rows, n) in their order.
        shares: (rows,) in 0..1: which quantile.

    Returns:
        (rows, n); False where nothing came before.
    """
    values = np.ascontiguousarray(arriving.T)  # (n, rows)
    below = np.zeros(values.shape, dtype=bool)
    for arrival in range(1, len(values)):
        before, now = values[:arrival], values[arrival]
        reached = np.add.reduce(before <= now, axis=0, dtype=np.int16)  # how many it reaches
        exact = shares * (arrival - 1)
        wanted = np.floor(exact).astype(np.int64)  # of the lower neighbour of the percentile
        below[arrival] = reached <= wanted
        between = np.flatnonzero((reached == wanted + 1) & (exact > wanted))
        if len(between):
            own, at = before[:, between], now[between]
            low = np.where(own <= at, own, -np.inf).max(axis=0)
            high = np.where(own <= at, np.inf, own).min(axis=0)
            below[arrival, between] = at < _between(low, high, (exact - wanted)[between])
    return below.T


def _between(low: Numbers, high: Numbers, share: Numbers) -> Numbers:
    """Interpolate as numpy does, to the last bit."""
    with np.errstate(invalid="ignore"):  # infinite padding, whose decisions nobody reads
        apart = high - low
        return np.where(share >= 0.5, high - apart * (1 - share), low + apart * share)
