"""Functional ANOVA of random forests: how much of the variance is each hyperparameter's alone?

Hutter et al. 2014, An Efficient Approach for Assessing Hyperparameter Importance, sections 3 and
4: each leaf of a tree is a box, so averages over all hyperparameters but one are sums over
boxes. The forests are those of scikit-learn with trees of depth two, and the effects those of
Optuna's evaluator on them; but many outcomes of the same trials are fitted at once, since an
outcome is compared with a hundred permuted ones.

What is tested is another number: the variance of a main effect that is averaged over all trees
first, so that what single trees make of noise cancels. Its trees take the best of a few random
splits (Geurts et al. 2006, Extremely randomized trees), which finds more than the best splits do.

Shapes: P outcomes, N trials, C columns, L = 4 leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dgsearch.analysis.permuting import Numbers, Places

__all__ = ["Effects", "Inputs", "fanova", "main_effects"]

_GRID = 50  # places at which a main effect is looked at
_DEPTH = 3  # of a tree of random splits

_APART = 1e-7  # values of a column that are nearer are not split, as in scikit-learn
_SEEDS = np.iinfo(np.int32).max
Booleans = np.ndarray[Any, np.dtype[np.bool_]]


class Inputs(NamedTuple):
    """Hyperparameters as columns of numbers.

    Attributes:
        columns: (trials, columns) Numbers, their logarithms or their steps; one column a name.
        bounds: (columns, 2) Lowest and highest value of each column: the box.
        groups: Columns of each hyperparameter.
    """

    columns: Numbers
    bounds: Numbers
    groups: Sequence[Sequence[int]]


class Effects(NamedTuple):
    """What a forest says of each hyperparameter alone, for each outcome.

    Attributes:
        fractions: (outcomes, hyperparameters) Of the variance of a tree, mean over trees; 0..1.
        variances: (outcomes, hyperparameters) The variance itself, in squared units.
    """

    fractions: Numbers
    variances: Numbers


class _Leaves(NamedTuple):
    """The leaves of a tree: (P, L, C) bounds, and (P, L) predictions."""

    low: Numbers
    high: Numbers
    value: Numbers


class _Members(NamedTuple):
    """Trials of a node; outcomes that were split alike so far have the same ones.

    Attributes:
        sets: (sets, N) Which trials.
        of: (P,) The set of each outcome.
    """

    sets: Booleans
    of: Places

    def counts(self) -> Places:
        """(P,) How many each outcome has."""
        found: Places = np.count_nonzero(self.sets, axis=1)[self.of]
        return found

    def sums(self, outcomes: Numbers) -> Numbers:
        """(P,) Sums of outcomes (P, N) over their own."""
        found: Numbers = (outcomes * self.sets[self.of]).sum(axis=1)
        return found


class _Split(NamedTuple):
    """Where a node is split: (P,) column and threshold; one column is -1 where it is not."""

    column: Places
    threshold: Numbers


def fanova(inputs: Inputs, outcomes: Numbers, *, trees: int, seed: int) -> Effects:
    """Fit a forest of depth two to each outcome and split its variance into main effects.

    Args:
        inputs: Of the trials.
        outcomes: (outcomes, trials).
        trees: In each forest.
        seed: Of the forests; all outcomes have the same bootstrap samples.
    """
    shape = (len(outcomes), len(inputs.groups))
    fractions, variances, counted = np.zeros(shape), np.zeros(shape), np.zeros((shape[0], 1))
    width = inputs.bounds[:, 1] - inputs.bounds[:, 0]
    for weights in _bootstraps(len(inputs.columns), trees, seed):
        leaves = _tree(inputs, outcomes, weights)
        share = (leaves.high - leaves.low) / width  # (P, L, C)
        volume = share.prod(axis=2)
        centred = leaves.value - (volume * leaves.value).sum(axis=1, keepdims=True)
        effects = np.stack(
            [_effect(leaves, width, share, centred, list(own)) for own in inputs.groups], axis=1
        )
        whole = (volume * centred**2).sum(axis=1, keepdims=True)
        known = whole > 0  # a tree that is not split says nothing of shares
        fractions += np.where(known, effects / np.where(known, whole, 1.0), 0.0)
        counted += known
        variances += effects / trees
    return Effects(fractions / np.maximum(counted, 1.0), variances)


def main_effects(inputs: Inputs, outcomes: Numbers, *, trees: int, seed: int) -> Numbers:
    """Variance of each hyperparameter's effect in the mean of extremely randomized trees.

    Args:
        inputs: Of the trials.
        outcomes: (outcomes, trials).
        trees: How many.
        seed: Of the places at which they split; all outcomes have the same.

    Returns:
        (outcomes, hyperparameters) In squared units, over equal parts of a range or the names.
    """
    random = np.random.default_rng(seed)
    width = inputs.bounds[:, 1] - inputs.bounds[:, 0]
    whole = np.broadcast_to(inputs.bounds.T, (len(outcomes), *inputs.bounds.T.shape))
    places = [_looked_at(inputs.bounds, own) for own in inputs.groups]
    curves = [np.zeros((len(outcomes), own.shape[1])) for own in places]
    for _ in range(trees):
        everything = np.ones((1, outcomes.shape[1]), dtype=bool)
        nodes = [(whole, _Members(everything, np.zeros(len(outcomes), dtype=np.intp)))]
        for _ in range(_DEPTH):
            nodes = [
                half
                for box, members in nodes
                for half in _parted(
                    inputs.columns,
                    _random_split(inputs.columns, outcomes, members, random),
                    box,
                    members,
                )
            ]
        for box, members in nodes:
            value = members.sums(outcomes) / np.maximum(members.counts(), 1)
            share = (box[:, 1] - box[:, 0]) / width
            for group, own, curve in zip(inputs.groups, places, curves, strict=True):
                others = np.delete(share, group, axis=1).prod(axis=1)
                low, high = box[:, 0, group, None], box[:, 1, group, None]
                inside = ((low < own) & (own <= high)).all(axis=1)
                curve += inside * (value * others)[:, None] / trees
    found: Numbers = np.stack([curve.var(axis=1) for curve in curves], axis=1)
    return found


def _looked_at(bounds: Numbers, group: Sequence[int]) -> Numbers:
    """(columns, places) Middles of equal parts of a range, or each name."""
    if len(group) > 1:
        return np.eye(len(group))
    low, high = bounds[group[0]]
    middles: Numbers = low + (high - low) * (np.arange(_GRID)[None] + 0.5) / _GRID
    return middles


def _random_split(
    columns: Numbers, outcomes: Numbers, members: _Members, random: np.random.Generator
) -> _Split:
    """The best of one random split of each column, for each outcome."""
    best = np.full(len(outcomes), -np.inf)
    column, threshold = np.full(len(outcomes), -1, dtype=np.intp), np.zeros(len(outcomes))
    count, total, of = members.counts(), members.sums(outcomes), members.of
    for place, values in enumerate(columns.T):
        low = np.where(members.sets, values, np.inf).min(axis=1)
        high = np.where(members.sets, values, -np.inf).max(axis=1)
        at = low + random.random() * np.where(high > low, high - low, 0.0)
        left = _Members(members.sets & (values <= at[:, None]), of)
        own, sums = left.counts(), left.sums(outcomes)
        with np.errstate(invalid="ignore", divide="ignore"):
            gains = sums**2 / own + (total - sums) ** 2 / (count - own)
        better = (own > 0) & (own < count) & (gains > best)
        best, threshold = np.where(better, gains, best), np.where(better, at[of], threshold)
        column = np.where(better, place, column)
    return _Split(column, threshold)


def _parted(
    columns: Numbers, split: _Split, box: Numbers, members: _Members
) -> Iterator[tuple[Numbers, _Members]]:
    """`_halves` of members that outcomes have in common."""
    place = (members.of * (columns.shape[1] + 1)) + split.column + 1
    _, first, of = np.unique(place, return_index=True, return_inverse=True)
    one = _Split(split.column[first], split.threshold[first])
    nobody = np.ones((len(box), 0), dtype=bool)
    boxes = _halves(columns[:0], split, box, nobody)
    parts = _halves(columns, one, box[first], members.sets[members.of[first]])
    for (half, _), (_, own) in zip(boxes, parts, strict=True):
        yield half, _Members(own, of)


def _bootstraps(count: int, trees: int, seed: int) -> Iterator[Numbers]:
    """(N,) How often each trial is drawn, tree by tree, as scikit-learn draws."""
    random = np.random.RandomState(seed)
    seeds = [random.randint(_SEEDS) for _ in range(trees)]
    for own in seeds:
        drawn = np.random.RandomState(own).randint(0, count, count, dtype=np.int32)
        yield np.bincount(drawn, minlength=count).astype(np.float64)


def _tree(inputs: Inputs, outcomes: Numbers, weights: Numbers) -> _Leaves:
    """The tree of each outcome on one bootstrap sample."""
    rows = np.flatnonzero(weights)
    columns = inputs.columns[rows].astype(np.float32).astype(np.float64)
    weights = weights[rows]
    weighted = outcomes[:, rows] * weights
    orders = [np.argsort(column, kind="stable") for column in columns.T]
    everything = np.ones(weighted.shape, dtype=bool)
    root = _split(columns, orders, weighted, weights, everything)
    lows, highs, values = [], [], []
    whole = np.broadcast_to(inputs.bounds.T, (len(outcomes), *inputs.bounds.T.shape))
    for box, members in _halves(columns, root, whole, everything):
        child = _split(columns, orders, weighted, weights, members)
        for leaf, own in _halves(columns, child, box, members):
            lows.append(leaf[:, 0])
            highs.append(leaf[:, 1])
            values.append((weighted * own).sum(axis=1) / np.maximum(own @ weights, 1.0))
    return _Leaves(np.stack(lows, axis=1), np.stack(highs, axis=1), np.stack(values, axis=1))


def _split(
    columns: Numbers,
    orders: Sequence[Places],
    weighted: Numbers,
    weights: Numbers,
    members: Booleans,
) -> _Split:
    """The split of a node that leaves the least squared error, for each outcome."""
    count = len(weighted)
    best = np.full(count, -np.inf)
    column, threshold = np.full(count, -1, dtype=np.intp), np.zeros(count)
    for place, order in enumerate(orders):
        values = columns[order, place]
        own = members[:, order]
        gains = _gains(weighted[:, order] * own, weights[order] * own, values)
        at = gains.argmax(axis=1)
        better = np.flatnonzero(gains[np.arange(count), at] > best)
        if not len(better):
            continue
        best[better] = gains[better, at[better]]
        column[better] = place
        left = np.arange(len(values)) <= at[better, None]
        below = np.where(own[better] & left, values, -np.inf).max(axis=1)
        above = np.where(own[better] & ~left, values, np.inf).min(axis=1)
        threshold[better] = below / 2 + above / 2
    return _Split(column, threshold)


def _gains(sums: Numbers, weights: Numbers, values: Numbers) -> Numbers:
    """(P, n - 1) What a split after each of n sorted values gains; minus infinity: none there."""
    left, count = sums.cumsum(axis=1), weights.cumsum(axis=1)
    rest, left = left[:, -1:] - left[:, :-1], left[:, :-1]
    other, count = count[:, -1:] - count[:, :-1], count[:, :-1]
    may = (count > 0) & (other > 0) & (values[1:] > values[:-1] + _APART)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(may, left**2 / count + rest**2 / other, -np.inf)


def _halves(
    columns: Numbers, split: _Split, box: Numbers, members: Booleans
) -> Iterator[tuple[Numbers, Booleans]]:
    """Boxes (P, 2, C) and members (P, n) of both sides; of no split, of all and of nothing."""
    every = np.arange(len(members))
    none = split.column < 0
    column = np.maximum(split.column, 0)
    threshold = np.where(none, box[every, 1, column], split.threshold)
    below = (threshold[:, None] >= columns[:, column].T) | none[:, None]
    for side, own in ((1, below), (0, ~below)):
        half = box.copy()
        half[every, side, column] = threshold
        yield half, members & own


def _effect(
    leaves: _Leaves, width: Numbers, share: Numbers, centred: Numbers, group: list[int]
) -> Numbers:
    """(P,) Variance of the tree averaged over all columns but those of the group.

    The average is a sum over leaves, each constant in its box; so its square is a sum over pairs
    of leaves of what their boxes share.
    """
    weighted = centred * np.delete(share, group, axis=2).prod(axis=2)
    low, high = leaves.low[:, :, group], leaves.high[:, :, group]
    ends = np.minimum(high[:, :, None], high[:, None])  # (P, L, L, columns of the group)
    common = np.maximum(ends - np.maximum(low[:, :, None], low[:, None]), 0.0) / width[group]
    squares: Numbers = np.einsum("pl,plm,pm->p", weighted, common.prod(axis=3), weighted)
    return squares
