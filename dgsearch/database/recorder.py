"""Writing a study: each event of a trial is one transaction, so a kill leaves no half of it.

The states are Optuna's: RUNNING from its start, then COMPLETE, PRUNED or FAIL, never changed
again. `value` is stored for COMPLETE trials alone: the accuracy on the selection split at
the selected epoch. Each report is an intermediate value, whose step is the epoch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select, update

from dgsearch.database.rows import optuna_now, param_row, report_row, value_row
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_CONFIGURATIONS,
    OWN_SAMPLES,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    PARAMS,
    STUDIES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import insert_new
from dgsearch.design import PlannedTrial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Ending", "Started", "StudyRecorder"]


class Started(NamedTuple):
    """A trial that was begun: its row and its number in the study."""

    trial_id: int
    number: int


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes:
        state: Optuna's state.
        stop_reason: finished, halved, failed or interrupted.
        value: Accuracy that counts; None unless COMPLETE.
        selected_epoch: Epoch whose scores count.
        rung: Epoch at which halving stopped it.
        cutoff: Value that it had to reach there.
        error_type: Name of the exception.
        error: Its message with the last lines of the traceback.
    """

    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    stop_reason: Literal["finished", "halved", "failed", "interrupted"]
    value: float | None = None
    selected_epoch: int | None = None
    rung: int | None = None
    cutoff: float | None = None
    error_type: str | None = None
    error: str | None = None


class StudyRecorder:
    """Writes the trials of one study."""

    def __init__(self, engine: Engine, study_id: int, driver_id: str) -> None:
        """Write to the study's rows in the name of one driver."""
        self._engine = engine
        self._study_id = study_id
        self._driver_id = driver_id
        self._series: dict[tuple[Any, ...], int] = {}

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
        with self._engine.begin() as connection:
            started = self._insert_trial(connection)
            values = {**planned.configuration.values, "variant": planned.configuration.variant}
            rows = [
                param_row(started.trial_id, name, values[name], distribution)
                for name, distribution in distributions.items()
            ]
            if rows:
                connection.execute(insert(PARAMS), rows)
            self._insert_own(connection, started, planned, attempt, continues)
        return started

    def adopt(self, trial_id: int, number: int, planned: PlannedTrial) -> Started:
        """Record what runs under a trial that Optuna's sampler has begun."""
        started = Started(trial_id, number)
        with self._engine.begin() as connection:
            connection.execute(  # Optuna before 5.0 wrote the local time
                update(TRIALS)
                .where(TRIALS.c.trial_id == trial_id)
                .values(datetime_start=optuna_now())
            )
            self._insert_own(connection, started, planned, 1, None)
        return started

    def report(
        self,
        trial_id: int,
        *,
        epoch: int,
        value: float,
        scores: Iterable[Sequence[Any]],
        progress: Mapping[str, Any],
    ) -> None:
        """Record one epoch of the last stage.

        Args:
            trial_id: The trial's row.
            epoch: Epochs done, from 1.
            value: Accuracy on the selection split.
            scores: Rows of split, domain, metric, value.
            progress: Columns of `dgsearch_trial_facts` that the epoch changes, such as `wall_s`.
        """
        rows = [(tuple(score[:3]), score[3]) for score in scores]
        series = self._series_ids([name for name, _ in rows])
        with self._engine.begin() as connection:
            connection.execute(insert(INTERMEDIATE_VALUES), [report_row(trial_id, epoch, value)])
            if rows:
                connection.execute(
                    insert(OWN_SCORES),
                    [
                        {
                            "trial_id": trial_id,
                            "series_id": series[name],
                            "epoch": epoch,
                            "value": None if math.isnan(number) else number,
                        }
                        for name, number in rows
                    ],
                )
            connection.execute(
                update(OWN_TRIALS)
                .where(OWN_TRIALS.c.trial_id == trial_id)
                .values(epochs=epoch, **progress)
            )

    def keep_samples(self, trial_id: int, samples: Mapping[str, Any]) -> None:
        """Store what a trial shows of itself, by name; plain data only."""
        rows = [
            {"trial_id": trial_id, "name": name, "content_json": json.dumps(content)}
            for name, content in samples.items()
        ]
        with self._engine.begin() as connection:
            insert_new(connection, OWN_SAMPLES, rows)

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
        columns = {
            "stop_reason": ending.stop_reason,
            "selected_epoch": ending.selected_epoch,
            "rung": ending.rung,
            "cutoff": ending.cutoff,
            "error_type": ending.error_type,
            "error": ending.error,
            **(progress or {}),
        }
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(TRIALS)
                .where(TRIALS.c.trial_id == trial_id, TRIALS.c.state == "RUNNING")
                .values(state=ending.state, datetime_complete=optuna_now())
            )
            if changed.rowcount == 0:
                return False
            if ending.value is not None:
                connection.execute(insert(VALUES), [value_row(trial_id, ending.value)])
            connection.execute(
                update(OWN_TRIALS).where(OWN_TRIALS.c.trial_id == trial_id).values(**columns)
            )
        return True

    def _insert_trial(self, connection: Connection) -> Started:
        """A RUNNING row with the next number of the study."""
        connection.execute(
            select(STUDIES.c.study_id)
            .where(STUDIES.c.study_id == self._study_id)
            .with_for_update()
        )
        trial_id = connection.execute(
            insert(TRIALS).values(
                study_id=self._study_id, state="RUNNING", datetime_start=optuna_now()
            )
        ).inserted_primary_key[0]  # type: ignore[index]
        earlier = (
            select(func.count())
            .select_from(TRIALS)
            .where(TRIALS.c.study_id == self._study_id, TRIALS.c.trial_id < trial_id)
        )
        number = connection.scalar(earlier)
        connection.execute(
            update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(number=number)
        )
        return Started(int(trial_id), int(number or 0))

    def _insert_own(
        self,
        connection: Connection,
        started: Started,
        planned: PlannedTrial,
        attempt: int,
        continues: int | None,
    ) -> None:
        configuration = planned.configuration
        row = {
            "study_id": self._study_id,
            "config_id": configuration.config_id,
            "method": configuration.method,
            "role": configuration.role,
            "variant": configuration.variant,
            "values_json": json.dumps(dict(configuration.values)),
        }
        insert_new(connection, OWN_CONFIGURATIONS, [row])
        connection.execute(
            insert(OWN_TRIALS).values(
                trial_id=started.trial_id,
                study_id=self._study_id,
                seed=planned.seed,
                config_id=configuration.config_id,
                driver_id=self._driver_id,
                attempt=attempt,
                continues=continues,
            )
        )
        attributes = {"seed": planned.seed, "config_id": configuration.config_id}
        connection.execute(
            insert(TRIAL_USER_ATTRIBUTES),
            [
                {"trial_id": started.trial_id, "key": key, "value_json": json.dumps(value)}
                for key, value in attributes.items()
            ],
        )

    def _series_ids(self, names: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
        """The id of each (split, domain, metric), created where it is new."""
        missing = [name for name in dict.fromkeys(names) if name not in self._series]
        if missing:
            columns = ("split", "domain", "metric")
            rows = [dict(zip(columns, name, strict=True)) for name in missing]
            with self._engine.begin() as connection:
                insert_new(connection, OWN_SERIES, rows)
                known = connection.execute(select(OWN_SERIES)).all()
            self._series = {(row.split, row.domain, row.metric): row.series_id for row in known}
        return self._series
