"""Functional ANOVA of a random forest: how much of the variance is each hyperparameter's alone?

Hutter et al. 2014, An Efficient Approach for Assessing Hyperparameter Importance, sections 3 and
4: each leaf of a tree is a box, so averages over all hyperparameters but one are sums over
boxes. Equal to Optuna's evaluator on the same forest, and fast enough to be repeated on permuted
outcomes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dgsearch.analysis.permuting import Numbers

__all__ = ["Effects", "Inputs", "fanova"]


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
    """What a forest says of each hyperparameter alone.

    Attributes:
        fractions: (hyperparameters,) Of the variance of a tree, mean over trees; 0..1.
        variances: (hyperparameters,) The variance itself, in squared units of the outcome.
    """

    fractions: Numbers
    variances: Numbers


class _Boxes(NamedTuple):
    """The leaves of a tree: (leaves, columns) bounds, and (leaves,) predictions."""

    low: Numbers
    high: Numbers
    value: Numbers


def fanova(inputs: Inputs, outcome: Numbers, *, trees: int, depth: int, seed: int) -> Effects:
    """Fit a forest and split its variance over the box into main effects.

    Args:
        inputs: Of the trials.
        outcome: (trials,).
        trees: In the forest.
        depth: Of each tree at most.
        seed: Of the forest.
    """
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=trees, max_depth=depth, random_state=seed)
    forest.fit(inputs.columns, outcome)
    bounds = inputs.bounds
    fractions, variances = [], []
    for tree in forest.estimators_:
        boxes = _boxes(tree.tree_, bounds)
        share = (boxes.high - boxes.low) / (bounds[:, 1] - bounds[:, 0])
        volume = share.prod(axis=1)
        centred = boxes.value - volume @ boxes.value
        effects = [_effect(boxes, bounds, share, centred, list(group)) for group in inputs.groups]
        variances.append(effects)
        whole = float(volume @ centred**2)
        if whole > 0:
            fractions.append([effect / whole for effect in effects])
    none = np.zeros(len(inputs.groups))
    return Effects(np.mean(fractions, axis=0) if fractions else none, np.mean(variances, axis=0))


def _boxes(tree: Any, bounds: Numbers) -> _Boxes:
    """The leaves of scikit-learn's tree; a parent has a lower number than its children."""
    low = np.tile(bounds[:, 0], (tree.node_count, 1))
    high = np.tile(bounds[:, 1], (tree.node_count, 1))
    for node in np.flatnonzero(tree.children_left >= 0):
        left, right = tree.children_left[node], tree.children_right[node]
        column, threshold = tree.feature[node], tree.threshold[node]
        low[[left, right]], high[[left, right]] = low[node], high[node]
        high[left, column] = low[right, column] = threshold
    leaves = np.flatnonzero(tree.children_left < 0)
    return _Boxes(low[leaves], high[leaves], tree.value[leaves, 0, 0])


def _effect(
    boxes: _Boxes, bounds: Numbers, share: Numbers, centred: Numbers, group: list[int]
) -> float:
    """Variance of the tree averaged over all columns but those of the group."""
    others = np.delete(share, group, axis=1).prod(axis=1)
    cuts = [np.unique([boxes.low[:, column], boxes.high[:, column]]) for column in group]
    inside = np.ones((1, len(centred)), dtype=bool)  # (places, leaves)
    for column, edges in zip(group, cuts, strict=True):
        middle = (edges[1:] + edges[:-1])[:, None] / 2
        own = (boxes.low[:, column] < middle) & (middle <= boxes.high[:, column])
        inside = (inside[:, None] & own[None]).reshape(-1, len(centred))
    sizes = [
        np.diff(edges) / (bounds[column, 1] - bounds[column, 0])
        for column, edges in zip(group, cuts, strict=True)
    ]
    weights = np.array([np.prod(size) for size in itertools.product(*sizes)])
    means = inside @ (centred * others)
    return float(weights @ means**2)
