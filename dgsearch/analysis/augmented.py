"""Validation under families of transformations: what each trial is worth by it, on one level.

A trial is judged by the mean over the families that its method does not train with. Methods that
train with different families are thus judged by different ones, some of them harder than others.
Between such methods each value is therefore moved to the level of all these families together:
an additive model of trial plus family, fitted by least squares to what finished trials scored
after their last epoch, says how hard each family is. Trials that are judged by the same families
are all moved by the same number, so that no choice among them depends on the model; where all
trials of a study are, none is moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.selection import finished
from dgsearch.database.facts import StudyFacts
from dgsearch.study.families import AUGMENTED, FAMILIES, linked

__all__ = ["Judging", "augmented_values", "judgings", "moved", "study_judging"]

_PLACE = ["trial_number", "epoch"]
Families = tuple[str, ...]  # in the order of `FAMILIES`
Numbers = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Judging:
    """By what trials are judged.

    Attributes:
        families: Of each trial, by its number: the families that judge it.
        moves: What is added to a mean over some families so that it can be compared with means
            over others; NaN where these have nothing to do with the others. A set that is not
            there is not moved.
    """

    families: Mapping[int, Families]
    moves: Mapping[Families, float]

    def move(self, number: int) -> float:
        """What is added to the mean of a trial."""
        return self.moves.get(self.families.get(number, ()), 0.0)


def study_judging(
    trials: pd.DataFrame, scores: pd.DataFrame, facts: StudyFacts, *, metric: str = "accuracy"
) -> Judging:
    """By what the trials of a study are judged, with the level of each set of families.

    Args:
        trials: `read_trials`; uses trial_number, method, and what says which have finished.
        scores: `read_scores` of them.
        facts: By which families each method is judged.
        metric: What is taken.
    """
    (judging,) = judgings([(trials, scores, facts.judging_families)], metric=metric)
    return judging


def judgings(
    studies: Sequence[tuple[pd.DataFrame, pd.DataFrame, Mapping[str, Collection[str]]]],
    *,
    metric: str = "accuracy",
) -> list[Judging]:
    """By what the trials of each of some studies are judged, all on one level.

    Args:
        studies: Of each `read_trials`, `read_scores` and the families by which each method is
            judged; another method is by all of them.
        metric: What is taken.
    """
    owns = [_families_of(trials, families) for trials, _, families in studies]
    if len({families for own in owns for families in own.values()}) < 2:
        return [Judging(own, {}) for own in owns]
    last: dict[Families, list[Numbers]] = {}
    ended: set[Families] = set()
    for (trials, scores, _), own in zip(studies, owns, strict=True):
        done = {int(number): own[int(number)] for number in finished(trials)["trial_number"]}
        ended.update(done.values())
        for families, rows in _last(scores, done, metric).items():
            last.setdefault(families, []).append(rows)
    moves = dict.fromkeys(ended, float("nan"))
    if linked(last):
        moves = _moves({families: np.concatenate(rows) for families, rows in last.items()})
    return [Judging(own, moves) for own in owns]


def augmented_values(
    scores: pd.DataFrame, judging: Judging, *, metric: str = "accuracy"
) -> pd.DataFrame:
    """What each epoch is worth: the mean over the families that judge the trial, on one level.

    Args:
        scores: `read_scores` of one study.
        judging: By what its trials are judged.
        metric: What is taken.

    Returns:
        One row a trial and epoch that has them all: trial_number, epoch, augmented.
    """
    own = _under_families(scores, metric).dropna(subset=["value"])
    parts = []
    for families, rows in _by_set(own, judging.families):
        judged = rows[rows["domain"].isin(list(families))]
        table = judged.groupby(_PLACE)["value"].agg(["mean", "count"]).reset_index()
        whole = table[table["count"] == len(families)]
        move = judging.moves.get(families, 0.0)
        parts.append(whole.assign(**{AUGMENTED: whole["mean"] + move})[[*_PLACE, AUGMENTED]])
    if not parts:
        return pd.DataFrame({name: [] for name in (*_PLACE, AUGMENTED)})
    return pd.concat(parts, ignore_index=True).sort_values(_PLACE, ignore_index=True)


def moved(frame: pd.DataFrame, judging: Judging) -> pd.DataFrame:
    """Trials or curves whose `value` is the mean over their families, moved to one level.

    Args:
        frame: With the columns trial_number and value.
        judging: By what the trials are judged.
    """
    if not judging.moves:
        return frame
    moves = frame["trial_number"].map(lambda number: judging.move(int(number)))
    return frame.assign(value=frame["value"] + moves.astype("float64"))


def _families_of(
    trials: pd.DataFrame, families: Mapping[str, Collection[str]]
) -> dict[int, Families]:
    """Of each trial the families that judge its method, in the order of `FAMILIES`."""
    of_method = {
        method: tuple(name for name in FAMILIES if name in own) for method, own in families.items()
    }
    methods = zip(trials["trial_number"], trials["method"].astype(str), strict=True)
    return {int(number): of_method.get(name, tuple(FAMILIES)) for number, name in methods}


def _under_families(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    return scores[(scores["split"] == AUGMENTED) & (scores["metric"] == metric)]


def _by_set(
    rows: pd.DataFrame, families: Mapping[int, Families]
) -> Iterator[tuple[Families, pd.DataFrame]]:
    """The rows of the trials that are judged by each set of families."""
    sets = [own for own in dict.fromkeys(families.values()) if own]
    places = {own: place for place, own in enumerate(sets)}
    place = rows["trial_number"].map({number: places.get(own) for number, own in families.items()})
    for own, at in places.items():
        part = rows[place == at]
        if len(part):
            yield own, part


def _last(
    scores: pd.DataFrame, families: Mapping[int, Families], metric: str
) -> dict[Families, Numbers]:
    """By set of families what its trials scored after their last epoch, (trials, families)."""
    found = {}
    for own, rows in _by_set(_under_families(scores, metric), families):
        last = rows[rows["epoch"] == rows.groupby("trial_number")["epoch"].transform("max")]
        wide = last.assign(domain=last["domain"].astype(str)).pivot_table(
            index="trial_number", columns="domain", values="value"
        )
        whole = wide.reindex(columns=list(own)).dropna()
        if len(whole):
            found[own] = whole.to_numpy(np.float64)
    return found


def _moves(last: Mapping[Families, Numbers]) -> dict[Families, float]:
    """From the mean over each set of families to the level of all of them.

    The level of a trial drops out of the least squares when each of its scores is taken less
    their mean; what is left are normal equations for the levels of F families, (F, F).
    """
    names = [name for name in FAMILIES if any(name in own for own in last)]
    normal, right = np.zeros((len(names), len(names))), np.zeros(len(names))
    for own, rows in last.items():
        at = [names.index(name) for name in own]
        centring = np.eye(len(own)) - 1 / len(own)
        normal[np.ix_(at, at)] += len(rows) * centring
        right[at] += centring @ rows.sum(axis=0)
    levels = np.linalg.lstsq(normal, right, rcond=None)[0]
    level = dict(zip(names, levels - levels.mean(), strict=True))
    return {own: -float(np.mean([level[name] for name in own])) for own in last}
