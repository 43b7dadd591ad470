"""A search's queue: a sampler proposes configurations while their trials run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler

from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.rows import ENQUEUED
from dgsearch.database.studies import Attempt
from dgsearch.designs.points import Configuration, PlannedTrial
from dgsearch.designs.samplers import hub_name
from dgsearch.endings import StopReason
from dgsearch.errors import DgsearchError, SamplerError
from dgsearch.runner.history import History, Suggested
from dgsearch.runner.queue import Begun
from dgsearch.runner.retries import is_open
from dgsearch.runner.samplers import Samplers
from dgsearch.space import Space
from dgsearch.study import StudySpec
from dgsearch.trainable.reports import EpochReport


class ProposalQueue:
    """Interrupted proposals first, then new ones up to the number that the design asks for.

    Every proposal is trained at the study's first seed. One that was proposed before is
    trained at the first seed at which it was not.
    """

    def __init__(
        self,
        spec: StudySpec,
        space: Space,
        history: History,
        recorder: StudyRecorder,
        distributions: Mapping[str, BaseDistribution],
    ) -> None:
        """Propose for the study; `resume` tells what was proposed before."""
        self._spec = spec
        self._space = space
        self._history = history
        self._recorder = recorder
        self._distributions = dict(distributions)
        self._enqueued = spec.design.enqueued(space)
        self._samplers = Samplers(spec.design, spec.seeds[0], self._distributions)
        self._left = self._most = spec.design.proposals
        self._interrupted: deque[tuple[PlannedTrial, Attempt]] = deque()
        self._seen: set[tuple[str, int]] = set()
        self._running = 0
        self._ready: tuple[PlannedTrial, Mapping[str, Any]] | None = None
        self.total = self._left

    def resume(
        self,
        earlier: Mapping[tuple[str, int], Attempt],
        configurations: Mapping[str, Configuration],
    ) -> None:
        """Take into account what earlier runs proposed.

        Args:
            earlier: Last attempt of each configuration and seed.
            configurations: The proposed configurations by id.
        """
        for key, attempt in earlier.items():
            config_id, seed = key
            if config_id not in configurations:
                continue
            self._seen.add(key)
            if is_open(attempt, self._spec.retries):
                planned = PlannedTrial(configurations[config_id], seed)
                self._interrupted.append((planned, attempt))
        made = self._recorder.proposals(first_seed=self._spec.seeds[0])
        self._left = max(self._most - made, 0)
        self.total = self._left + len(self._interrupted)
        if self._left and hub_name(self._spec.design.proposed_by):
            self._ready = self._proposal()  # what is wrong is said before anything is trained

    @property
    def exhausted(self) -> bool:
        """Whether every proposal was made and begun, and none that runs can come back."""
        return not self._interrupted and self._left == 0 and not self._running

    def begin_next(self) -> Begun | None:
        """Record and return the next trial."""
        while self._interrupted:
            planned, attempt = self._interrupted.popleft()
            started = self._recorder.claim(
                planned,
                self._distributions,
                attempt=attempt.attempt + 1,
                continues=attempt.checkpoint_of,
                proposed=True,
            )
            if started is not None:
                self._running += 1
                continues, count = attempt.checkpoint_of, attempt.attempt + 1
                return Begun(planned, started, continues, count, attempt.losses)
        while self._left:
            planned, notes = self._ready or self._proposal()
            self._ready = None
            again = planned.key in self._seen
            self._seen.add(planned.key)
            started = self._recorder.propose(
                planned,
                self._distributions,
                most=self._most,
                first_seed=self._spec.seeds[0],
                again=again,
                notes=notes,
            )
            if started is not None:
                self._left -= 1
                self._running += 1
                return Begun(planned, started)
            self._share()
        return None

    def _proposal(self) -> tuple[PlannedTrial, Mapping[str, Any]]:
        """What is proposed next, at the first seed at which it was not, and what is noted."""
        number = self._most - self._left
        if number < len(self._enqueued):
            known = dict(self._enqueued[number])
            proposed = Suggested(known, {ENQUEUED: known})
        else:
            sampler = self._samplers.of(number)
            proposed = self._ask(sampler)
        values = self._space.resolve({**self._spec.hyperparameters, **proposed.values})
        configuration = Configuration(
            self._spec.method,
            values,
            tuple(self._distributions),
            switches=self._space.switches(self._spec.design.asks_for(self._spec.method)),
        )
        seed = self._free_seed(configuration.config_id)
        return PlannedTrial(configuration, seed), proposed.notes

    def _ask(self, sampler: BaseSampler) -> Suggested:
        """What a sampler proposes.

        Raises:
            SamplerError: If one of OptunaHub cannot propose for what the study varies.
        """
        name = self._spec.design.proposed_by
        try:
            return self._history.propose(self._distributions, sampler)
        except Exception as error:  # a package of OptunaHub is another's and may raise anything
            if not hub_name(name) or isinstance(error, DgsearchError):
                raise
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            raise SamplerError(
                f"{name} cannot propose for design.vary: {told}; it may take ranges without log, "
                "or no lists: see its page at hub.optuna.org, or choose another sampler"
            ) from error

    def _share(self) -> None:
        """Leave out what other drivers of the study have proposed meanwhile."""
        made = self._recorder.proposals(first_seed=self._spec.seeds[0])
        left = min(self._left, max(self._most - made, 0))
        self.total -= self._left - left
        self._left = left

    def provided(self, begun: Begun, stages: Iterable[str]) -> None:
        """Nothing: what a proposal shares with others is known only when it is made."""

    def trained(self, begun: Begun, report: EpochReport) -> None:
        """Nothing: no proposal waits while another is trained."""

    def ended(self, begun: Begun, ending: Ending) -> None:
        """Give an interrupted proposal out again."""
        self._running -= 1
        if ending.stop_reason == StopReason.INTERRUPTED:
            attempt = begun.after(ending.error_type or "Interrupted")
            self._interrupted.append((begun.planned, attempt))

    def _free_seed(self, config_id: str) -> int:
        seeds = self._spec.seeds
        return next((seed for seed in seeds if (config_id, seed) not in self._seen), seeds[0])
