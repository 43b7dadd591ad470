"""Rules that stop trials early, to be replayed on curves of full length.

`halving` is the rule of the engine, with its own decisions. The others are what it could be
exchanged for: the median rule as Optuna decides it, patience, and one look at all trials.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from dgsearch.analysis.halving_replay import Bracket, Halved, halved_at, rungs
from dgsearch.errors import ReportError, one_of

__all__ = ["FirstEpochs", "HalvingRule", "Median", "Patience", "StoppingRule", "default_rules",
           "ends_under", "parse_rule"]  # fmt: skip

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


class StoppingRule(Protocol):
    """When a trial ends, and which trials may be chosen afterwards."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def judges_stopped(self) -> bool:
        """Whether a trial that was stopped may be chosen, by its last value."""
        ...

    def ends(self, values: Numbers, orders: Sequence[Whole]) -> Whole:
        """The last epoch of each trial, for each order of arrival.

        Args:
            values: (trials, epochs): after each epoch; higher is better, none missing.
            orders: Numbers of the trials as they arrive; some may be missing.

        Returns:
            (orders, trials); 0 for a trial that is not in the order.
        """
        ...


@dataclass(frozen=True)
class HalvingRule:
    """Ray's ASHA, as `[halving]` describes it.

    With several brackets each trial falls into one by chance, with Ray's probabilities; bracket s
    leaves out the first s rungs. The engine has one.
    """

    grace_epochs: int
    keep_one_in: int
    brackets: int = 1

    judges_stopped = False

    @property
    def name(self) -> str:
        """What it is called."""
        own = f"halving, grace {self.grace_epochs}, keep 1 in {self.keep_one_in}"
        return own if self.brackets == 1 else f"{own}, {self.brackets} brackets"

    def groups(self, orders: Sequence[Whole], epochs: int) -> list[Halved]:
        """The trials of each bracket, for each order."""
        made = [
            Bracket(rungs(self.grace_epochs, epochs, self.keep_one_in, bracket), self.keep_one_in)
            for bracket in range(self.brackets)
        ]
        if len(made) == 1:
            return [Halved(made[0], order) for order in orders]
        counts = np.array([len(bracket.rungs) for bracket in made])
        chances = np.exp(counts - counts.max()) / np.exp(counts - counts.max()).sum()
        groups = []
        for number, order in enumerate(orders):
            random = np.random.default_rng(number)
            drawn = random.choice(self.brackets, size=len(order), p=chances)
            groups += [Halved(own, order[drawn == place]) for place, own in enumerate(made)]
        return groups

    def ends(self, values: Numbers, orders: Sequence[Whole]) -> Whole:
        """The last epoch of each trial, for each order of arrival."""
        return ends_under([self], values, orders)[0]


@dataclass(frozen=True)
class Median:
    """Stop a trial whose best value lies below the median of finished trials at the epoch.

    Attributes:
        grace_epochs: No trial is stopped before this epoch.
        first: Finished trials that it takes before anybody is stopped.
    """

    grace_epochs: int
    first: int = 5

    judges_stopped = False

    @property
    def name(self) -> str:
        """What it is called."""
        return f"median of finished trials, grace {self.grace_epochs}"

    def ends(self, values: Numbers, orders: Sequence[Whole]) -> Whole:
        """The last epoch of each trial, for each order of arrival."""
        reached, best = values.tolist(), np.maximum.accumulate(values, axis=1).tolist()
        found = np.zeros((len(orders), len(values)), dtype=np.int64)
        for own, order in zip(found, orders, strict=True):
            self._replay(own, order, reached, best)
        return found

    def _replay(
        self,
        ends: Whole,
        order: Whole,
        values: Sequence[Sequence[float]],
        best: Sequence[Sequence[float]],
    ) -> None:
        epochs = len(values[0])
        finished: list[list[float]] = [[] for _ in range(epochs)]  # sorted, by epoch
        middles: list[float] = []  # of the finished ones, where they are enough
        for trial in order.tolist():
            own, end = best[trial], epochs
            for at in range(self.grace_epochs - 1, len(middles) - 1):
                if own[at] < middles[at]:
                    end = at + 1
                    break
            ends[trial] = end
            if end == epochs:
                for known, value in zip(finished, values[trial], strict=True):
                    bisect.insort(known, value)
                if len(finished[0]) >= self.first:
                    middles = [_middle(known) for known in finished]


@dataclass(frozen=True)
class Patience:
    """Stop a trial that has had no new best value for so many epochs; it may still be chosen."""

    epochs: int

    judges_stopped = True

    @property
    def name(self) -> str:
        """What it is called."""
        return f"patience of {self.epochs} epoch{'s' * (self.epochs != 1)}"

    def ends(self, values: Numbers, orders: Sequence[Whole]) -> Whole:
        """The last epoch of each trial, for each order of arrival."""
        best = np.maximum.accumulate(values, axis=1)
        rises = np.hstack([np.ones((len(values), 1), bool), best[:, 1:] > best[:, :-1]])
        at = np.arange(values.shape[1])
        since = at - np.maximum.accumulate(np.where(rises, at, 0), axis=1)
        waited = since >= self.epochs
        last = np.where(waited.any(axis=1), waited.argmax(axis=1) + 1, values.shape[1])
        return _for_members(last[None, :], orders)


@dataclass(frozen=True)
class FirstEpochs:
    """Train all trials for some epochs, and the best of them to the end."""

    keep: int
    epochs: int = 1

    judges_stopped = False

    @property
    def name(self) -> str:
        """What it is called."""
        spent = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{spent}, then the top {self.keep}"

    def ends(self, values: Numbers, orders: Sequence[Whole]) -> Whole:
        """The last epoch of each trial, for each order of arrival."""
        look = min(self.epochs, values.shape[1])
        found = np.zeros((len(orders), len(values)), dtype=np.int64)
        for own, order in zip(found, orders, strict=True):
            own[order] = look
            ranked = order[np.argsort(-values[order, look - 1], kind="stable")]
            own[ranked[: self.keep]] = values.shape[1]
        return found


def ends_under(
    rules: Sequence[StoppingRule], values: Numbers, orders: Sequence[Whole]
) -> list[Whole]:
    """`StoppingRule.ends` of several rules; all that halve are replayed together."""
    halving = [rule for rule in rules if isinstance(rule, HalvingRule)]
    groups = [rule.groups(orders, values.shape[1]) for rule in halving]
    found = iter(halved_at(values, [group for own in groups for group in own]))
    halved: dict[HalvingRule, Whole] = {}
    for rule, own in zip(halving, groups, strict=True):
        ends = np.zeros((len(orders), len(values)), dtype=np.int64)
        for place, group in enumerate(own):
            ends[place // rule.brackets, group.order] = next(found)
        halved[rule] = ends
    return [
        halved[rule] if isinstance(rule, HalvingRule) else rule.ends(values, orders)
        for rule in rules
    ]


def default_rules(epochs: int, trials: int) -> list[StoppingRule]:
    """The rules that a study's page and `dgsearch replay` try.

    Args:
        epochs: Of a trial of full length.
        trials: How many there are.
    """
    graces = [grace for grace in (1, 2, 3, 5, 8, 13, 21) if grace < epochs]
    made: list[StoppingRule] = [
        HalvingRule(grace, keep_one_in) for grace in graces for keep_one_in in (2, 3, 4)
    ]
    made += [Median(grace) for grace in graces[:3]]
    made += [Patience(wait) for wait in (1, 2, 3, 5) if wait < epochs - 1]
    keeps = sorted({max(1, trials // 10), max(1, trials // 4)})
    made += [FirstEpochs(keep, look) for look in (1, 2) if look < epochs for keep in keeps]
    return made


_RULES: Mapping[str, Callable[..., StoppingRule]] = {
    "halving": HalvingRule,
    "median": Median,
    "patience": Patience,
    "top": FirstEpochs,
}


def parse_rule(text: str) -> StoppingRule:
    """A rule from the command line, such as "halving:grace_epochs=2,keep_one_in=3".

    Raises:
        ReportError: If it names no rule, or a setting that is unknown, missing or not allowed.
    """
    kind, _, rest = text.partition(":")
    if kind not in _RULES:
        raise ReportError(f"--rule {text!r}: unknown rule; {one_of(kind, list(_RULES))}")
    model: Any = _RULES[kind]
    names = [item.name for item in fields(model)]
    given: dict[str, int] = {}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        if name not in names:
            raise ReportError(f"--rule {text!r}: unknown setting; {one_of(name, names)}")
        least = 2 if name == "keep_one_in" else 1
        if not value.isdecimal() or int(value) < least:
            raise ReportError(
                f"--rule {text!r}: {name} = {value!r} must be a whole number >= {least}"
            )
        given[name] = int(value)
    try:
        rule: StoppingRule = model(**given)
    except TypeError as error:
        raise ReportError(
            f"--rule {text!r}: a setting is missing; {kind} has {', '.join(names)}"
        ) from error
    return rule


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _for_members(ends: Whole, orders: Iterable[Whole]) -> Whole:
    """The same ends for every order, 0 for trials that are not in it."""
    found = []
    for order in orders:
        own = np.zeros_like(ends[0])
        own[order] = ends[0, order]
        found.append(own)
    return np.array(found, dtype=np.int64).reshape(-1, ends.shape[1])
