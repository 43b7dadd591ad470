"""What a sampler learns from: the best and the latest trials of a search, held in memory.

Optuna's own storage reads every trial of a study, with all that was reported of it, before it
proposes for the first time: at 100,000 trials that takes more than a minute and 2.7 GB. TPE
compares the best 25 trials with the others, of which the latest weigh most; the rest changes
hardly anything.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import optuna
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, Connection, Engine, not_, or_, select

from dgsearch.database.identity import COUNTS
from dgsearch.database.measured import Outcome, read_measured
from dgsearch.database.rows import CONSTRAINTS, untyped
from dgsearch.database.snapshot import at_one_moment
from dgsearch.database.tables import (
    FIRST_VALUE,
    INTERMEDIATE_VALUES,
    OWN_TRIALS,
    PARAMS,
    TRIAL_SYSTEM_ATTRIBUTES,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import read_persistently
from dgsearch.runner.warm_start import Informing
from dgsearch.space import Value
from dgsearch.study.objectives import Goal

_BEST = 100
_LATEST = 3000
_ACCURACY = Goal(("accuracy",), (True,))
_PASSING = ":relative_params"  # notes of TPE and GP on what a trial that runs will be given


class Suggested(NamedTuple):
    """What a sampler proposed.

    Attributes:
        values: By hyperparameter.
        notes: What the sampler has to find with the trial later, by name; plain data.
    """

    values: dict[str, Value]
    notes: Mapping[str, Any]


class History:
    """Proposes hyperparameters after the trials that a database has of a search."""

    def __init__(
        self,
        engine: Engine,
        study_id: int,
        *,
        latest: int = _LATEST,
        goal: Goal = _ACCURACY,
        targets: Sequence[str] = (),
    ) -> None:
        """Learn from the trials of one study, less those that were set aside.

        Args:
            engine: Of the database.
            study_id: The study's row.
            latest: How many of the latest trials it learns from, besides the best 100.
            goal: What the search is to reach.
            targets: Target domains of the study.
        """
        self._engine = engine
        self._own = (TRIALS.c.study_id == study_id) & not_(_set_aside())
        self._latest = latest
        self._goal, self._targets = goal, targets
        self._memory = InMemoryStorage()
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # no study of the user is created
        directions = [
            StudyDirection.MAXIMIZE if maximised else StudyDirection.MINIMIZE
            for maximised in goal.maximise
        ]
        self._memory_id = self._memory.create_new_study(directions, "history")
        optuna.logging.set_verbosity(verbosity)
        self._unfinished: dict[int, int] = {}  # row in the database: trial in memory
        self._last: int | None = None  # the last row that is in memory

    def inform(
        self, trials: Sequence[Informing], distributions: Mapping[str, BaseDistribution]
    ) -> None:
        """Learn from trials of another study too; they are no trials of this one."""
        for trial in trials:
            parts = _Parts()
            parts.params, parts.distributions = dict(trial.params), dict(distributions)
            parts.take(trial.outcome)
            frozen = _frozen(_Row(-1, parts.state(TrialState.COMPLETE)), parts)
            self._memory.create_new_trial(self._memory_id, template_trial=frozen)

    def propose(
        self, distributions: Mapping[str, BaseDistribution], sampler: BaseSampler
    ) -> Suggested:
        """What the sampler proposes next: jointly where it can, as Optuna asks it."""
        self._remember(*read_persistently(self._engine, self._new))
        study = Study("history", self._memory, sampler=sampler)  # a new one has no cache
        number = self._memory.create_new_trial(self._memory_id)  # samplers leave notes with it
        trial = copy.copy(self._memory.get_trial(number))
        space = sampler.infer_relative_search_space(study, trial)
        known = {name: each for name, each in space.items() if distributions.get(name) == each}
        joint = sampler.sample_relative(study, trial, known)
        for name, distribution in distributions.items():
            if distribution.single():
                value = distribution.to_external_repr(_lowest(distribution))
            elif name in joint:
                value = joint[name]
            else:
                value = sampler.sample_independent(study, trial, name, distribution)
            value = distribution.to_external_repr(distribution.to_internal_repr(value))
            trial.params = {**trial.params, name: value}
            trial.distributions = {**trial.distributions, name: distribution}
        notes = self._memory.get_trial(number).system_attrs
        # What comes of it is read from the database; this one teaches nothing.
        self._memory.set_trial_state_values(number, TrialState.FAIL)
        kept = {name: note for name, note in notes.items() if _PASSING not in name}
        return Suggested(trial.params, kept)

    def _new(self) -> tuple[Sequence[_Row], Mapping[int, _Parts]]:
        """What is new in the database since the last time; changes nothing here."""
        with at_one_moment(self._engine) as connection:  # others begin and end trials meanwhile
            wanted = self._own & self._wanted(connection)
            rows, parts = _read(connection, wanted)
            found = read_measured(connection, wanted, self._goal.measured, targets=self._targets)
        for place, own in parts.items():
            if own.value is not None:
                numbers = found.get(place, {})
                reached = self._goal.values(own.value, numbers)
                own.take(Outcome(reached, self._goal.excesses(own.value, numbers)))
        return [_Row(row.place, parts[row.place].state(row.state)) for row in rows], parts

    def _remember(self, rows: Sequence[_Row], parts: Mapping[int, _Parts]) -> None:
        """Take in what is new."""
        for row in rows:
            if row.place in self._unfinished:
                self._end(row, parts.get(row.place, _Parts()))
                continue
            frozen = _frozen(row, parts.get(row.place, _Parts()))
            number = self._memory.create_new_trial(self._memory_id, template_trial=frozen)
            if not row.state.is_finished():
                self._unfinished[row.place] = number
        self._last = max([self._last or 0, *(row.place for row in rows)])

    def _wanted(self, connection: Connection) -> ColumnElement[bool]:
        """Which trials to read: at first the latest, the best and those that run."""
        if self._last is not None:
            return or_(TRIALS.c.trial_id > self._last, TRIALS.c.trial_id.in_(self._unfinished))
        ids = select(TRIALS.c.trial_id).where(self._own).order_by(TRIALS.c.trial_id.desc())
        earliest = connection.scalar(ids.offset(self._latest - 1).limit(1)) or 0
        best = (
            select(VALUES.c.trial_id)
            .join(TRIALS, FIRST_VALUE)
            .where(self._own, TRIALS.c.state == "COMPLETE", TRIALS.c.trial_id < earliest)
            .where(VALUES.c.value.is_not(None))  # of infinities, which PostgreSQL puts first
            .order_by(VALUES.c.value.desc() if self._goal.maximise[0] else VALUES.c.value)
            .limit(_BEST)
        )
        named = list(connection.scalars(best)) if earliest else []
        running = TRIALS.c.state.in_(("RUNNING", "WAITING"))
        return or_(TRIALS.c.trial_id >= earliest, TRIALS.c.trial_id.in_(named), running)

    def _end(self, row: _Row, parts: _Parts) -> None:
        """Bring a trial in memory that had not ended up to date."""
        number = self._unfinished[row.place]
        for step, value in parts.reports.items():
            self._memory.set_trial_intermediate_value(number, step, value)
        if row.state.is_finished():
            for name, note in parts.notes.items():
                self._memory.set_trial_system_attr(number, name, note)
            values = parts.values if row.state == TrialState.COMPLETE else None
            self._memory.set_trial_state_values(number, row.state, values)
            del self._unfinished[row.place]


def _set_aside() -> ColumnElement[bool]:
    """Whether a trial is of another identity: what it reached says nothing of today's method."""
    query = select(OWN_TRIALS.c.trial_id)
    mine = query.where(OWN_TRIALS.c.trial_id == TRIALS.c.trial_id, not_(COUNTS))
    return mine.correlate(TRIALS).exists()


class _Row(NamedTuple):
    """A trial's row in the database, and its state."""

    place: int
    state: TrialState


class _Parts:
    """What belongs to a trial: hyperparameters, value and reports."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}
        self.value: float | None = None
        self.reports: dict[int, float] = {}
        self.notes: dict[str, Any] = {}
        self.values: tuple[float, ...] | None = None

    def take(self, outcome: Outcome) -> None:
        """Take in what a finished trial reached, the constraints as Optuna stores them."""
        self.values = outcome.values
        if outcome.excesses:
            self.notes[CONSTRAINTS] = list(outcome.excesses)

    def state(self, state: TrialState) -> TrialState:
        """The state of the trial; one of which a number is unknown teaches nothing."""
        numbers = [*(self.values or ()), *self.notes.get(CONSTRAINTS, ())]
        unknown = not self.values or any(map(math.isnan, numbers))
        return TrialState.FAIL if state == TrialState.COMPLETE and unknown else state


def _read(
    connection: Connection, wanted: ColumnElement[bool]
) -> tuple[Sequence[_Row], Mapping[int, _Parts]]:
    """The trials, oldest first, and what belongs to each."""
    query = select(TRIALS.c.trial_id, TRIALS.c.state).where(wanted).order_by(TRIALS.c.trial_id)
    rows = [_Row(place, TrialState[str(state)]) for place, state in connection.execute(query)]
    parts: dict[int, _Parts] = {row.place: _Parts() for row in rows}
    for place, name, stored, text in _belonging(
        connection, wanted, PARAMS, ("param_name", "param_value", "distribution_json")
    ):
        distribution = _distribution(text)
        parts[place].distributions[name] = distribution
        parts[place].params[name] = distribution.to_external_repr(stored)
    for place, name, text in _belonging(
        connection, wanted, TRIAL_SYSTEM_ATTRIBUTES, ("key", "value_json")
    ):
        parts[place].notes[name] = json.loads(text)
    first = wanted & (VALUES.c.objective == 0)
    for place, value, kind in _belonging(connection, first, VALUES, ("value", "value_type")):
        parts[place].value = untyped(value, kind)
    pruned = wanted & TRIALS.c.state.in_(("PRUNED", "RUNNING"))
    columns = ("step", "intermediate_value", "intermediate_value_type")
    for place, step, value, kind in _belonging(connection, pruned, INTERMEDIATE_VALUES, columns):
        parts[place].reports[step] = untyped(value, kind)
    return rows, parts


def _belonging(
    connection: Connection, wanted: ColumnElement[bool], table: Any, names: Sequence[str]
) -> Iterator[Any]:
    """Rows of a table that belong to the trials: the trial's row, then the columns named."""
    query = (
        select(table.c.trial_id, *(table.c[name] for name in names))
        .join(TRIALS, TRIALS.c.trial_id == table.c.trial_id)
        .where(wanted)
    )
    yield from connection.execute(query)


@lru_cache(maxsize=256)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _lowest(distribution: BaseDistribution) -> float:
    """The only value of a distribution that has a single one, as it is stored."""
    return float(getattr(distribution, "low", 0.0))  # of a choice its place


def _frozen(row: _Row, parts: _Parts) -> FrozenTrial:
    """A trial as Optuna's samplers read it; times are of no account."""
    then = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    return FrozenTrial(
        number=row.place,
        trial_id=row.place,
        state=row.state,
        value=None,
        values=parts.values if row.state == TrialState.COMPLETE else None,
        datetime_start=then,
        datetime_complete=then if row.state.is_finished() else None,
        params=parts.params,
        distributions=parts.distributions,
        user_attrs={},
        system_attrs=parts.notes,
        intermediate_values=parts.reports,
    )
