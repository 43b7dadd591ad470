"""Writing a study: each event of a trial is one transaction, so a kill leaves no half of it.

The states are Optuna's: RUNNING from its start, then COMPLETE, PRUNED or FAIL, never changed
again. `value` is stored for COMPLETE trials alone: the accuracy on the selection split at
the selected epoch, and the other objectives of a search that has several. Each report is an
intermediate value, whose step is the epoch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, select, update

from dgsearch.database.new_trials import (
    NewTrial,
    Started,
    count_proposals,
    insert_new_trial,
    is_known,
    is_taken,
)
from dgsearch.database.predictions import prediction_rows, replace_predictions
from dgsearch.database.reached import Weighed, store_reached, weighed_by
from dgsearch.database.rows import optuna_now, report_row, score_row
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_SAMPLES,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    TRIALS,
)
from dgsearch.database.writing import insert_new, persistently
from dgsearch.designs.points import PlannedTrial
from dgsearch.endings import StopReason

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# Built once: building a statement takes longer than executing it.
_STILL_RUNNING = select(TRIALS.c.trial_id).where(
    TRIALS.c.trial_id.in_(bindparam("trial_ids", expanding=True)), TRIALS.c.state == "RUNNING"
)
_CHANGE_RUNNING = update(TRIALS).where(
    TRIALS.c.trial_id == bindparam("of_trial"), TRIALS.c.state == "RUNNING"
)
_CHANGE_FACTS = update(OWN_TRIALS).where(OWN_TRIALS.c.trial_id == bindparam("of_trial"))


class Epoch(NamedTuple):
    """What was measured after an epoch of the last stage.

    Attributes:
        epoch: Epochs done, from 1.
        value: Accuracy on the selection split.
        scores: Rows of split, domain, metric, value.
        correct: Rows of split, domain, images and bits in base64 (`predictions.packed`), where the
            epoch is the one that counts as far as is known.
    """

    epoch: int
    value: float
    scores: Sequence[Sequence[Any]]
    correct: Sequence[Sequence[Any]] = ()


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes:
        state: Optuna's state.
        stop_reason: Why.
        value: Accuracy that counts; None unless COMPLETE.
        selected_epoch: Epoch whose scores count.
        rung: Epoch at which halving stopped it.
        cutoff: Value that it had to reach there.
        error_type: Name of the exception.
        error: Its message with the last lines of the traceback.
    """

    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    stop_reason: StopReason
    value: float | None = None
    selected_epoch: int | None = None
    rung: int | None = None
    cutoff: float | None = None
    error_type: str | None = None
    error: str | None = None


class _TakenError(Exception):
    """Another driver has the trial."""


class StudyRecorder:
    """Writes the trials of one study."""

    def __init__(
        self, engine: Engine, study_id: int, driver_id: str, *, provenance_id: str | None = None
    ) -> None:
        """Write to the study's rows in the name of one driver.

        Args:
            engine: Of the database.
            study_id: The study's row.
            driver_id: Who trains the trials.
            provenance_id: What they run with; see `provenance`.
        """
        self._provenance_id = provenance_id
        self.judged = False  # whether halving decides on the trials that begin now
        self._engine = engine
        self._study_id = study_id
        self._driver_id = driver_id
        self._series: dict[tuple[Any, ...], int] = {}
        self._weighed: Weighed | None = None  # read when the first trial finishes

    def begin(
        self,
        planned: PlannedTrial,
        distributions: Mapping[str, BaseDistribution],
        *,
        attempt: int,
        continues: int | None,
    ) -> Started:
        """Record that a planned trial runs.

        Args:
            planned: The trial.
            distributions: Of its varied hyperparameters, by name; of "variant" in an ablation.
            attempt: 1 for the first attempt at this configuration and seed.
            continues: Number of the interrupted trial whose checkpoint it goes on from.
        """
        begin = self._beginning(planned, distributions, attempt=attempt, continues=continues)
        return persistently(self._engine, begin)

    def claim(
        self,
        planned: PlannedTrial,
        distributions: Mapping[str, BaseDistribution],
        *,
        attempt: int,
        continues: int | None,
        proposed: bool = False,
    ) -> Started | None:
        """`begin`, unless another driver has begun or ended the trial: then None."""
        begin = self._beginning(
            planned, distributions, attempt=attempt, continues=continues, proposed=proposed
        )

        def begin_once(connection: Connection) -> Started:
            started = begin(connection)  # it holds the write lock from here
            if is_taken(
                connection, self._study_id, planned, but=started.trial_id, attempt=attempt
            ):
                raise _TakenError
            return started

        return self._unless_taken(begin_once)

    def propose(
        self,
        planned: PlannedTrial,
        distributions: Mapping[str, BaseDistribution],
        *,
        most: int,
        first_seed: int,
        again: bool = False,
        notes: Mapping[str, Any] = MappingProxyType({}),
    ) -> Started | None:
        """`begin` for a proposal of a search, unless another driver was faster: then None.

        It was if all drivers together have made `most`, or if it has begun the same proposal.

        Args:
            planned: The proposal.
            distributions: Of what the search varies.
            most: Proposals that the search has in all.
            first_seed: The study's first seed, at which proposals are trained.
            again: Whether the same configuration and seed may be trained once more.
            notes: What the sampler stores with the trial.
        """
        begin = self._beginning(planned, distributions, proposed=True, notes=notes)

        def begin_within(connection: Connection) -> Started:
            started = begin(connection)  # it holds the write lock from here
            if count_proposals(connection, self._study_id, first_seed=first_seed) > most:
                raise _TakenError
            if not again and is_known(connection, self._study_id, planned, but=started.trial_id):
                raise _TakenError
            return started

        return self._unless_taken(begin_within)

    def proposals(self, *, first_seed: int) -> int:
        """How many configurations the study's search has proposed so far."""
        return persistently(
            self._engine,
            lambda connection: count_proposals(connection, self._study_id, first_seed=first_seed),
        )

    def placed(self, trial_id: int) -> None:
        """Record that a trial has its worker: only now it starts; before it was queued."""
        start = {"of_trial": trial_id, "datetime_start": optuna_now()}
        persistently(self._engine, lambda connection: connection.execute(_CHANGE_RUNNING, start))

    def report(
        self,
        trial_id: int,
        epochs: Sequence[Epoch],
        progress: Mapping[str, Any],
        *,
        samples: Mapping[str, Any] | None = None,
        ending: Ending | None = None,
    ) -> bool:
        """Record how far a trial is, with some epochs of its last stage, and its end if known.

        Args:
            trial_id: The trial's row.
            epochs: What was measured, in order; none before the last stage.
            progress: Columns of `dgsearch_trial_facts` as they are now.
            samples: What the trial shows of itself, by name; plain data only.
            ending: How the trial ended, if this is its last report.

        Returns:
            Whether it was recorded; False if the trial does not run any more: while this driver
            was silent another one has taken it.
        """
        scores = [
            (tuple(score[:3]), epoch.epoch, score[3]) for epoch in epochs for score in epoch.scores
        ]
        series = self._series_ids([name for name, _, _ in scores])
        dialect = self._engine.dialect.name
        stored = [
            score_row(trial_id, series[name], epoch, number, dialect=dialect)
            for name, epoch, number in scores
        ]
        values = [report_row(trial_id, epoch.epoch, epoch.value) for epoch in epochs]
        columns = {"epochs": epochs[-1].epoch} if epochs else {}
        columns |= {**progress, **(_columns(ending) if ending else {})}
        correct = prediction_rows(trial_id, epochs)
        shown = _sample_rows(trial_id, samples or {})

        def write(connection: Connection) -> bool:
            if ending is None and not _running(connection, [trial_id]):
                return False
            if ending is not None and not _ended(connection, trial_id, ending):
                return False
            insert_new(connection, INTERMEDIATE_VALUES, values)
            insert_new(connection, OWN_SCORES, stored)
            insert_new(connection, OWN_SAMPLES, shown)
            replace_predictions(connection, trial_id, correct)
            connection.execute(_CHANGE_FACTS, {"of_trial": trial_id, **columns})
            self._store_reached(connection, trial_id, ending)
            return True

        return persistently(self._engine, write)

    def still_running(self, trial_ids: Collection[int]) -> frozenset[int]:
        """Those of the trials that nobody has ended."""
        return persistently(self._engine, lambda connection: _running(connection, trial_ids))

    def keep_samples(self, trial_id: int, samples: Mapping[str, Any]) -> None:
        """Store what a trial shows of itself, by name; plain data only."""
        rows = _sample_rows(trial_id, samples)
        persistently(self._engine, lambda connection: insert_new(connection, OWN_SAMPLES, rows))

    def end(
        self, trial_id: int, ending: Ending, *, progress: Mapping[str, Any] | None = None
    ) -> bool:
        """Record how a trial ended; an end once recorded stays.

        Args:
            trial_id: The trial's row.
            ending: How it ended.
            progress: Further columns of `dgsearch_trial_facts`.

        Returns:
            Whether it was recorded; False if the trial had ended before.
        """
        columns = {**_columns(ending), **(progress or {})}

        def write(connection: Connection) -> bool:
            if not _ended(connection, trial_id, ending):
                return False
            connection.execute(_CHANGE_FACTS, {"of_trial": trial_id, **columns})
            self._store_reached(connection, trial_id, ending)
            return True

        return persistently(self._engine, write)

    def _store_reached(self, connection: Connection, trial_id: int, ending: Ending | None) -> None:
        """What a trial that finishes reached, after its costs and scores are stored."""
        if ending is None or ending.value is None:
            return
        if self._weighed is None:
            self._weighed = weighed_by(connection, self._study_id)
        store_reached(connection, trial_id, ending.value, self._weighed)

    def _unless_taken(self, begin: Callable[[Connection], Started]) -> Started | None:
        """Begin a trial in one transaction; None, and nothing written, if it is another's."""
        try:
            return persistently(self._engine, begin)
        except _TakenError:
            return None

    def _beginning(
        self,
        planned: PlannedTrial,
        distributions: Mapping[str, BaseDistribution],
        *,
        attempt: int = 1,
        continues: int | None = None,
        proposed: bool = False,
        notes: Mapping[str, Any] = MappingProxyType({}),
    ) -> Callable[[Connection], Started]:
        new = NewTrial(
            self._study_id,
            self._driver_id,
            planned,
            distributions,
            attempt,
            continues,
            self._provenance_id,
            self.judged,
            proposed,
            notes,
        )
        return lambda connection: insert_new_trial(connection, new)

    def _series_ids(self, names: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
        """The id of each (split, domain, metric), created where it is new."""
        missing = [name for name in dict.fromkeys(names) if name not in self._series]
        if missing:
            columns = ("split", "domain", "metric")
            rows = [dict(zip(columns, name, strict=True)) for name in missing]

            def write(connection: Connection) -> Sequence[Any]:
                insert_new(connection, OWN_SERIES, rows)
                return connection.execute(select(OWN_SERIES)).all()

            known = persistently(self._engine, write)
            self._series = {(row.split, row.domain, row.metric): row.series_id for row in known}
        return self._series


def _running(connection: Connection, trial_ids: Collection[int]) -> frozenset[int]:
    return frozenset(connection.scalars(_STILL_RUNNING, {"trial_ids": list(trial_ids)}))


def _ended(connection: Connection, trial_id: int, ending: Ending) -> bool:
    """Write the state with which a trial ends; False if it had ended before."""
    end = {"state": ending.state, "datetime_complete": optuna_now()}
    changed = connection.execute(_CHANGE_RUNNING, {"of_trial": trial_id, **end})
    return changed.rowcount > 0


def _columns(ending: Ending) -> dict[str, Any]:
    """Columns of `dgsearch_trial_facts` that an end fills."""
    return {
        "stop_reason": ending.stop_reason,
        "selected_epoch": ending.selected_epoch,
        "rung": ending.rung,
        "cutoff": ending.cutoff,
        "error_type": ending.error_type,
        "error": ending.error,
    }


def _sample_rows(trial_id: int, samples: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"trial_id": trial_id, "name": name, "content_json": json.dumps(content)}
        for name, content in samples.items()
    ]
