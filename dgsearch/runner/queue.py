"""Which trial starts next: planned ones, repeated attempts, and a search's proposals.

Trials of one study agree on a stage when method, seed, the hyperparameters that it reads and
the stages before it are the same. The first to need it trains it; the others are begun when
it is there, so that no core waits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from optuna.distributions import BaseDistribution

from dgsearch.database.new_trials import Started
from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import Attempt
from dgsearch.designs.points import PlannedTrial
from dgsearch.endings import StopReason
from dgsearch.runner.fusing import Fusing, last_stage
from dgsearch.runner.held import HeldBack
from dgsearch.runner.prefixes import Prefixes
from dgsearch.runner.retries import is_open, losses_of_memory
from dgsearch.study import Retries
from dgsearch.trainable.reports import EpochReport


@dataclass(frozen=True)
class Begun:
    """A trial that was recorded as running and is about to be trained.

    Attributes:
        planned: Configuration and seed.
        started: Its row and number.
        continues: Number of the interrupted trial whose checkpoint it goes on from.
        attempt: Which attempt it is, from 1.
        losses: How earlier attempts were lost, counted by error type.
        leads: Whether others may wait for the shared stages that it provides.
        beside: Trials whose stage it trains beside its own, by the name of the stage.
    """

    planned: PlannedTrial
    started: Started
    continues: int | None = None
    attempt: int = 1
    losses: Mapping[str, int] = field(default_factory=dict)
    leads: bool = False
    beside: Mapping[str, Sequence[PlannedTrial]] = field(default_factory=dict)

    def after(self, error_type: str) -> Attempt:
        """The attempt that this one is when something has interrupted it."""
        losses = Counter(self.losses) + Counter([error_type])
        return Attempt(self.started.number, "FAIL", StopReason.INTERRUPTED, self.attempt, losses)


class TrialQueue(Protocol):
    """Where the runner gets its trials from."""

    def begin_next(self) -> Begun | None:
        """Record and return the next trial; None if there is none at present."""
        ...

    def provided(self, begun: Begun, stages: Iterable[str]) -> None:
        """Hear that shared stages of a trial are in the store now."""
        ...

    def trained(self, begun: Begun, report: EpochReport) -> None:
        """Hear of an epoch of a trial's last stage."""
        ...

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Hear how a trial ended; an interrupted one is given out again."""
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
    """Trials known beforehand, less those that have ended.

    One that needs a stage which another trial is making waits until it is there; those that
    have most to make come first, so that what many wait for is begun at once.
    """

    def __init__(  # noqa: PLR0913 - one argument for each setting
        self,
        planned: Iterable[PlannedTrial],
        earlier: Mapping[tuple[str, int], Attempt],
        recorder: StudyRecorder,
        distributions: Mapping[str, BaseDistribution],
        *,
        retries: Retries | None = None,
        share: bool = True,
        fusing: Fusing | None = None,
    ) -> None:
        """Queue what is left.

        Args:
            planned: Every trial of the design, in order.
            earlier: What the database has of it.
            recorder: Records the trials as they start.
            distributions: Of the varied hyperparameters of points.
            retries: How often interrupted trials are given out again.
            share: Whether trials share stages, and wait for each other's.
            fusing: Which stages one trial trains for several; None: none.
        """
        self._fusing = fusing
        self._retries = retries or Retries()
        self._recorder = recorder
        self._distributions = distributions
        self._prefixes = Prefixes() if share else None
        self._held: HeldBack[_Waiting] | None = HeldBack(fusing) if share and fusing else None
        self._waiting: dict[tuple[str, ...], deque[_Waiting]] = {}
        self._running = 0
        self._planned: set[tuple[str, int]] = set()
        self.total = 0
        self.add(planned, earlier)

    def add(
        self, planned: Iterable[PlannedTrial], earlier: Mapping[tuple[str, int], Attempt]
    ) -> None:
        """Queue what is left of these, less those that the queue was given before."""
        for trial in planned:
            if trial.key in self._planned:
                continue
            self._planned.add(trial.key)
            attempt = earlier.get(trial.key)
            if is_open(attempt, self._retries):
                self._wait(_Waiting(self.total, trial, attempt))
                self.total += 1

    def stored(self, trial: PlannedTrial, stages: Iterable[str]) -> None:
        """Hear that shared stages of a planned trial are in the store since an earlier run."""
        if self._prefixes:
            self._prefixes.stored(trial, stages)

    @property
    def exhausted(self) -> bool:
        """Whether every trial was begun, and none that runs can come back."""
        return not self._waiting and not self._running

    def begin_next(self) -> Begun | None:
        """Record and return the next trial; None while those that are left have to wait."""
        while (waiting := self._take()) is not None:
            begun = self._begin(waiting)
            if begun is not None:
                return begun
        return None

    def provided(self, begun: Begun, stages: Iterable[str]) -> None:
        """Trials that waited for these stages may come."""
        if self._prefixes:
            self._prefixes.provided(begun.planned, stages)

    def trained(self, begun: Begun, report: EpochReport) -> None:
        """Trials whose last stage this one no longer trains may come."""
        if self._held:
            self._come_back(self._held.trained(begun.planned, report))

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Trials that waited for this one may come; itself again if it was interrupted."""
        self._running -= 1
        if self._held:
            self._come_back(self._held.ended(begun.planned, ending))
        if self._prefixes:
            self._prefixes.ended(begun.planned)
        if ending.stop_reason == StopReason.INTERRUPTED:
            attempt = begun.after(ending.error_type or "Interrupted")
            self._wait(_Waiting(-1, begun.planned, attempt))

    def _wait(self, waiting: _Waiting) -> None:
        group = self._prefixes.group(waiting.trial) if self._prefixes else ()
        self._waiting.setdefault(group, deque()).append(waiting)

    def _come_back(self, held: Iterable[_Waiting]) -> None:
        """Put trials that were held back where they were taken from: before those that follow."""
        for waiting in sorted(held, key=lambda one: one.place, reverse=True):
            group = self._prefixes.group(waiting.trial) if self._prefixes else ()
            self._waiting.setdefault(group, deque()).appendleft(waiting)

    def _take(self) -> _Waiting | None:
        """The first of the group that has most to make, of those that need not wait."""
        heads = [(group, waiting[0]) for group, waiting in self._waiting.items()]
        prefixes = self._prefixes
        if prefixes:
            heads = [head for head in heads if prefixes.is_ready(head[1].trial)]
        if not heads:
            return None
        group, chosen = min(
            heads,
            key=lambda head: (
                -prefixes.missing(head[1].trial) if prefixes else 0,
                head[1].place,
            ),
        )
        self._remove(group, chosen)
        return chosen

    def _remove(self, group: tuple[str, ...], waiting: _Waiting) -> None:
        self._waiting[group].remove(waiting)
        if not self._waiting[group]:
            del self._waiting[group]

    def _begin(self, waiting: _Waiting) -> Begun | None:
        """Record the trial as running; None if another driver was faster."""
        planned, before = waiting.trial, waiting.attempt
        varied = planned.configuration.varied
        names = ("variant",) if planned.configuration.variant else varied
        attempt = 1 + (before.attempt if before else 0)
        continues = before.checkpoint_of if before else None
        started = self._recorder.claim(
            planned,
            {name: self._distributions[name] for name in names},
            attempt=attempt,
            continues=continues,
        )
        if started is None:
            self.total -= 1
            return None
        self._running += 1
        leads = self._prefixes is not None and self._prefixes.missing(planned) > 0
        losses = before.losses if before else {}
        alone = bool(losses_of_memory(losses))
        beside = {} if alone else self._beside(planned)
        if self._prefixes:
            self._prefixes.begun(planned, beside)
        if not alone:
            beside |= self._held_for(planned, beside)
        return Begun(planned, started, continues, attempt, losses, leads, beside)

    def _beside(self, trial: PlannedTrial) -> dict[str, Sequence[PlannedTrial]]:
        """Waiting trials, one of each group, whose stages this one trains too."""
        if self._prefixes is None or self._fusing is None:
            return {}
        firsts = sorted((group[0] for group in self._waiting.values()), key=lambda one: one.place)
        heads = [waiting.trial for waiting in firsts]
        return {**self._prefixes.beside(trial, heads, self._fusing, running=self._running)}

    def _held_for(
        self, trial: PlannedTrial, beside: Mapping[str, Sequence[PlannedTrial]]
    ) -> dict[str, Sequence[PlannedTrial]]:
        """Waiting trials whose last stage this one trains too; they are held back until then."""
        prefixes, held = self._prefixes, self._held
        if prefixes is None or held is None:
            return {}
        fitting = [
            waiting
            for group in self._waiting.values()
            for waiting in group
            if waiting.attempt is None and held.fits(waiting.trial, trial)
        ]
        ready = [one for one in fitting if prefixes.has(one.trial, trial, beside)]
        ready.sort(key=lambda waiting: waiting.place)
        taken = held.hold(trial, ready, fitting=len(fitting), running=self._running)
        for waiting in taken:
            self._remove(prefixes.group(waiting.trial), waiting)
        return {last_stage(trial): [waiting.trial for waiting in taken]} if taken else {}


@dataclass(frozen=True)
class _Waiting:
    """A trial in the queue: its place in the plan, and what was of it before."""

    place: int
    trial: PlannedTrial
    attempt: Attempt | None
