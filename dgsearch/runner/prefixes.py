"""The shared stages of a study's trials: which are there, and which are being made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.base import Stage
from dgsearch.methods.registry import find_method
from dgsearch.runner.fusing import Fusing
from dgsearch.trainable.keys import prefix_ids


class Prefixes:
    """The shared stages of a study's trials: which are there, and which are being made."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._there: set[str] = set()
        self._in_work: dict[tuple[str, int], dict[str, set[str]]] = {}  # by trial and stage: ids
        self._ids: dict[tuple[str, int], dict[str, str]] = {}

    def missing(self, trial: PlannedTrial) -> int:
        """How many of its shared stages are not known to be there."""
        return sum(one not in self._there for one in self._of(trial).values())

    def is_ready(self, trial: PlannedTrial) -> bool:
        """Whether no stage that it needs is being made by another trial."""
        needed = {one for one in self._of(trial).values() if one not in self._there}
        return needed.isdisjoint(self._being_made())

    def group(self, trial: PlannedTrial) -> tuple[str, ...]:
        """The same for trials that agree on all of their shared stages."""
        return tuple(self._of(trial).values())

    def begun(
        self, trial: PlannedTrial, beside: Mapping[str, Sequence[PlannedTrial]] | None = None
    ) -> None:
        """The trial is about to provide what it needs and is not there.

        Args:
            trial: The trial.
            beside: By stage, trials whose stage it trains beside its own.
        """
        ids = self._of(trial)
        work = {name: {one} for name, one in ids.items() if one not in self._there}
        for name, others in (beside or {}).items():
            work[name] |= {self._of(other)[name] for other in others}
        self._in_work[trial.key] = work

    def provided(self, trial: PlannedTrial, stages: Iterable[str]) -> None:
        """These stages of the trial are in the store now."""
        mine = self._in_work.get(trial.key, {})
        for name in stages:
            self._there |= mine.pop(name, set())

    def stored(self, trial: PlannedTrial, stages: Iterable[str]) -> None:
        """These stages of the trial are in the store since an earlier run."""
        ids = self._of(trial)
        self._there.update(ids[name] for name in stages if name in ids)

    def ended(self, trial: PlannedTrial) -> None:
        """The trial makes nothing any more."""
        self._in_work.pop(trial.key, None)

    def beside(
        self, trial: PlannedTrial, waiting: Sequence[PlannedTrial], fusing: Fusing, *, running: int
    ) -> dict[str, tuple[PlannedTrial, ...]]:
        """Trials whose stage a trial can train beside its own, by the name of the stage.

        Args:
            trial: It is about to begin.
            waiting: Those that have not begun.
            fusing: Which stages are one program.
            running: Trials that run, this one among them.
        """
        mine, made = self._of(trial), self._being_made()
        known = self._there | set(mine.values())
        found: dict[str, tuple[PlannedTrial, ...]] = {}
        for name, program in fusing.programs(trial).items():
            if mine[name] in self._there:
                continue
            fitting: dict[str, PlannedTrial] = {}
            for other in waiting:
                theirs = self._of(other)
                if fusing.programs(other).get(name) != program or theirs[name] in known | made:
                    continue
                if all(theirs[before] in known for before in fusing.before(other, name)):
                    fitting.setdefault(theirs[name], other)
            most = fusing.beside_at_most(len(fitting), running=running)
            found[name] = tuple(fitting.values())[:most]
        return {name: others for name, others in found.items() if others}

    def has(
        self,
        trial: PlannedTrial,
        by: PlannedTrial,
        beside: Mapping[str, Sequence[PlannedTrial]],
    ) -> bool:
        """Whether all shared stages of a trial are there when another trial has made its own.

        Args:
            trial: The trial.
            by: The other one.
            beside: By stage, trials whose stage the other one trains too.
        """
        known = self._there | set(self._of(by).values())
        for name, others in beside.items():
            known |= {self._of(other)[name] for other in others}
        return known.issuperset(self._of(trial).values())

    def _being_made(self) -> set[str]:
        made: set[str] = set()
        return made.union(*(ids for work in self._in_work.values() for ids in work.values()))

    def _of(self, trial: PlannedTrial) -> Mapping[str, str]:
        if trial.key not in self._ids:
            configuration = trial.configuration
            stages: tuple[Stage, ...] = find_method(configuration.method).stages(
                configuration.values
            )
            self._ids[trial.key] = prefix_ids(stages[:-1], configuration.values, seed=trial.seed)
        return self._ids[trial.key]
