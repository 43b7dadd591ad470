"""Which trials wait for a stage that another trial is training.

Trials of one study agree on a stage when method, seed, the hyperparameters that it reads and
the stages before it are the same. The first to need it trains it; the others are begun when
it is there, so that no core waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.base import Stage
from dgsearch.methods.registry import find_method
from dgsearch.trainable.keys import prefix_ids

__all__ = ["Prefixes"]


class Prefixes:
    """The shared stages of a study's trials: which are there, and which are being made."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._there: set[str] = set()
        self._in_work: dict[tuple[str, int], dict[str, str]] = {}  # by trial: stage name to id
        self._ids: dict[tuple[str, int], dict[str, str]] = {}

    def missing(self, trial: PlannedTrial) -> int:
        """How many of its shared stages are not known to be there."""
        return sum(one not in self._there for one in self._of(trial).values())

    def is_ready(self, trial: PlannedTrial) -> bool:
        """Whether no stage that it needs is being made by another trial."""
        needed = {one for one in self._of(trial).values() if one not in self._there}
        return not any(needed & set(ids.values()) for ids in self._in_work.values())

    def group(self, trial: PlannedTrial) -> tuple[str, ...]:
        """The same for trials that agree on all of their shared stages."""
        return tuple(self._of(trial).values())

    def begun(self, trial: PlannedTrial) -> None:
        """The trial is about to provide what it needs and is not there."""
        ids = self._of(trial)
        self._in_work[trial.key] = {
            name: one for name, one in ids.items() if one not in self._there
        }

    def provided(self, trial: PlannedTrial, stages: Iterable[str]) -> None:
        """These stages of the trial are in the store now."""
        mine = self._in_work.get(trial.key, {})
        for name in stages:
            one = mine.pop(name, None)
            if one is not None:
                self._there.add(one)

    def stored(self, trial: PlannedTrial, stages: Iterable[str]) -> None:
        """These stages of the trial are in the store since an earlier run."""
        ids = self._of(trial)
        self._there.update(ids[name] for name in stages if name in ids)

    def ended(self, trial: PlannedTrial) -> None:
        """The trial makes nothing any more."""
        self._in_work.pop(trial.key, None)

    def _of(self, trial: PlannedTrial) -> Mapping[str, str]:
        if trial.key not in self._ids:
            configuration = trial.configuration
            stages: tuple[Stage, ...] = find_method(configuration.method).stages(
                configuration.values
            )
            self._ids[trial.key] = prefix_ids(stages[:-1], configuration.values, seed=trial.seed)
        return self._ids[trial.key]
