"""Which trial starts next: planned ones, repeated attempts, and a search's proposals."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from dgsearch.database.recorder import Started, StudyRecorder
from dgsearch.database.studies import Attempt
from dgsearch.design import Configuration, PlannedTrial, search_space
from dgsearch.space import Choice, Int, Space, Value
from dgsearch.study import Range, Search

__all__ = ["Begun", "PlannedQueue", "TrialQueue", "distributions_of", "proposal_distributions"]


@dataclass(frozen=True)
class Begun:
    """A trial that was recorded as running and is about to be trained."""

    planned: PlannedTrial
    started: Started
    continues: int | None = None


class TrialQueue(Protocol):
    """Where the runner gets its trials from."""

    def begin_next(self) -> Begun | None:
        """Record and return the next trial; None if there is none at present."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether no further trial will come."""
        ...

    @property
    def total(self) -> int:
        """Trials that this queue has given or will give."""
        ...


class PlannedQueue:
    """Trials known beforehand, less those that have ended."""

    def __init__(
        self,
        planned: Iterable[PlannedTrial],
        earlier: Mapping[tuple[str, int], Attempt],
        recorder: StudyRecorder,
        distributions: Mapping[str, BaseDistribution],
    ) -> None:
        """Queue what is left.

        Args:
            planned: Every trial of the design, in order.
            earlier: What the database has of it.
            recorder: Records the trials as they start.
            distributions: Of the varied hyperparameters of points.
        """
        self._earlier = earlier
        self._recorder = recorder
        self._distributions = distributions
        self._waiting = deque(trial for trial in planned if _is_open(earlier.get(trial.key)))
        self.total = len(self._waiting)

    @property
    def exhausted(self) -> bool:
        """Whether every trial was begun."""
        return not self._waiting

    def begin_next(self) -> Begun | None:
        """Record and return the next trial."""
        if not self._waiting:
            return None
        planned = self._waiting.popleft()
        before = self._earlier.get(planned.key)
        continues = before.number if before and before.stop_reason == "interrupted" else None
        varied = planned.configuration.varied
        names = ("variant",) if planned.configuration.variant else varied
        started = self._recorder.begin(
            planned,
            {name: self._distributions[name] for name in names},
            attempt=1 + (before.attempt if before else 0),
            continues=continues,
        )
        return Begun(planned, started, continues)


def _is_open(attempt: Attempt | None) -> bool:
    """Whether a trial still has to run: it never started, or it was interrupted."""
    return attempt is None or attempt.stop_reason == "interrupted"


def distributions_of(
    configurations: Iterable[Configuration], space: Space
) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each varied hyperparameter: from its least to its largest value.

    The variants of an ablation are one choice, `variant`.
    """
    configurations = list(configurations)
    variants = [item.variant for item in configurations if item.variant]
    if variants:
        return {"variant": CategoricalDistribution(variants)}
    values: dict[str, list[Value]] = {}
    for configuration in configurations:
        for name in configuration.varied:
            values.setdefault(name, []).append(configuration.values[name])
    return {name: _spanning(space[name], seen) for name, seen in values.items()}


def proposal_distributions(design: Search, space: Space) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each hyperparameter that a search varies."""
    distributions: dict[str, BaseDistribution] = {}
    for name, values in search_space(design, space).items():
        if not isinstance(values, Range):
            distributions[name] = CategoricalDistribution(list(values))
        elif isinstance(space[name], Int):
            low, high = int(values.low), int(values.high)
            distributions[name] = IntDistribution(low, high, log=bool(values.log))
        else:
            distributions[name] = FloatDistribution(values.low, values.high, log=bool(values.log))
    return distributions


def _spanning(item: Any, values: list[Value]) -> BaseDistribution:
    if isinstance(item, Choice):
        return CategoricalDistribution(list(dict.fromkeys([*item.options, *values])))
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    log = item.log and low > 0
    if isinstance(item, Int):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)
