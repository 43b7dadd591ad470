"""Branches of a conditional space: the trials that have the same hyperparameters.

Importance is given to hyperparameters; what a branch is worth as a whole, it does not say. Here
each branch is a value of one choice, so that branches are compared like values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials, Parameter
from dgsearch.database.declared import Distribution
from dgsearch.database.snapshot import Ints

__all__ = ["Branches", "branches_of"]

_MOST = 12
_LONGEST = 60  # characters of a label
BRANCH = "branch"


@dataclass(frozen=True)
class Branches:
    """The branches that trials took, the most frequent first.

    Attributes:
        parameter: The branch as a choice; trials of branches that are left out have none.
        names: Hyperparameters of each branch, in the order declared.
        left_out: How many rarer branches there are.
        decided_by: Choices that every trial has and that decide which branch it takes.
    """

    parameter: Parameter
    names: tuple[tuple[str, ...], ...]
    left_out: int
    decided_by: tuple[Parameter, ...]


def branches_of(trials: ForeignTrials) -> Branches | None:
    """The branches of a study; None where every trial has the same hyperparameters.

    Args:
        trials: The study.
    """
    if not trials.conditional:
        return None
    active = np.column_stack([item.active for item in trials.parameters])  # (trials, parameters)
    found, first, codes = np.unique(active, axis=0, return_index=True, return_inverse=True)
    codes = codes.reshape(-1)
    counts = np.bincount(codes)
    order = np.lexsort((first, -counts))  # the most frequent, of these the one that came first
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    codes, shown = place[codes], order[:_MOST]
    names = tuple(
        tuple(item.name for item, has in zip(trials.parameters, found[at], strict=True) if has)
        for at in shown
    )
    deciders = tuple(
        item
        for item in trials.parameters
        if item.labels and item.active.all() and _decides(item.places.astype(np.int64), codes)
    )
    labels = _labels(names, deciders, codes)
    places = np.where(codes < _MOST, codes.astype(np.float64), np.nan)
    parameter = Parameter(
        BRANCH, BRANCH, Distribution("choice", choices=tuple(labels)), places, labels
    )
    return Branches(parameter, names, max(len(order) - _MOST, 0), deciders)


def _decides(choices: Ints, codes: Ints) -> bool:
    """Whether trials of one choice are always in one branch, and branches differ by it."""
    per_choice = pd.Series(codes).groupby(choices).nunique()
    return bool((per_choice == 1).all()) and len(per_choice) > 1


def _labels(
    names: tuple[tuple[str, ...], ...], deciders: tuple[Parameter, ...], codes: Ints
) -> list[str]:
    """A text for each branch, no two equal: what decides it, or what only some branches have."""
    everywhere = set(names[0]).intersection(*names)
    texts = []
    for code, own in enumerate(names):
        if deciders:
            values = np.unique(deciders[0].places[codes == code])
            text = f"{deciders[0].name} = {' or '.join(map(deciders[0].text, values))}"
        else:
            text = ", ".join(name for name in own if name not in everywhere) or "nothing more"
        texts.append(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
    return [
        text if texts.count(text) == 1 else f"{text} ({code + 1})"
        for code, text in enumerate(texts)
    ]
