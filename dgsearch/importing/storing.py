"""Sweeps written into a study database, in one transaction.

Each study becomes one that dgsearch did not run: `run` does not continue it. Trials whose tool
knows a seed also get a configuration, so that repetitions are told from other configurations.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from dgsearch.database.connection import open_for_writing
from dgsearch.database.masking import masked
from dgsearch.database.rows import param_row, report_row, score_row, value_row
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_CONFIGURATIONS,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    PARAMS,
    STUDIES,
    STUDY_DIRECTIONS,
    STUDY_SYSTEM_ATTRIBUTES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import insert_new
from dgsearch.designs.points import Configuration
from dgsearch.endings import StopReason
from dgsearch.errors import ImportedDataError
from dgsearch.importing.sweep import Sweep, SweepTrial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


_WIDE = 100.0  # a range of positive numbers whose ends differ by more is taken as logarithmic
_STOP_REASONS = {
    "COMPLETE": StopReason.FINISHED,
    "PRUNED": StopReason.HALVED,
    "FAIL": StopReason.FAILED,
}
_BIGGEST = 2**53
_IMPORTED = "dgsearch:imported"  # attribute of a study: what it was imported from


def store_sweeps(
    database: str | os.PathLike[str] | None, sweeps: Sequence[Sweep]
) -> Sequence[bool]:
    """Write sweeps as new studies: all of them or, after an error or a kill, none.

    Args:
        database: URL or path; created where it is not there.
        sweeps: What to write; one that was imported before is left as it is.

    Returns:
        Whether each was written; False where the same trials were imported before.

    Raises:
        ImportedDataError: If a sweep has no trials or the database has a study of its name.
        DatabaseError: If the database cannot be written to.
    """
    for sweep in sweeps:
        if not sweep.trials:
            raise ImportedDataError(f"{sweep.name}: there are no trials to import")
    engine = open_for_writing(database).engine
    with engine.begin() as connection:
        stored = [_store_new(connection, sweep) for sweep in sweeps]
    engine.dispose()
    return stored


def distribution_of(values: Iterable[Any]) -> BaseDistribution:
    """The distribution that a sweep of such values may have been drawn from.

    Other tools do not store what could have been drawn. The range is that of the values found;
    it is logarithmic where they are positive and span more than a factor of 100.
    """
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    found = list(values)
    numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in found)
    if not numbers or not all(math.isfinite(item) and abs(item) < _BIGGEST for item in found):
        distinct = {json.dumps(item, sort_keys=True): item for item in found}
        return CategoricalDistribution([_choice(item) for item in distinct.values()])
    low, high = min(found), max(found)
    log = low > 0 and high / low > _WIDE
    if all(isinstance(item, int) for item in found):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(low, high, log=log)


def _choice(value: Any) -> Any:
    """A choice; Optuna stores plain values, so that anything else is its JSON text."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else json.dumps(value, sort_keys=True)


def _store_new(connection: Connection, sweep: Sweep) -> bool:
    """Write a sweep, unless it is there.

    Raises:
        ImportedDataError: If a study of its name holds anything else.
    """
    query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == sweep.name)
    taken = connection.scalar(query)
    if taken is None:
        _store(connection, sweep)
        return True
    attributes = STUDY_SYSTEM_ATTRIBUTES.c
    imported = select(attributes.value_json).where(
        attributes.study_id == taken, attributes.key == _IMPORTED
    )
    if connection.scalar(imported) != json.dumps(_digest(sweep)):
        raise ImportedDataError(
            f"study {sweep.name!r} is in {masked(connection.engine.url)} already, with other "
            "trials; choose another name with --study"
        )
    return False


def _digest(sweep: Sweep) -> str:
    """One text for everything that a sweep holds but its name."""
    digest = hashlib.blake2b(f"{sweep.metric!r} {sweep.maximised}".encode(), digest_size=16)
    for trial in sweep.trials:
        digest.update(repr(trial).encode(errors="backslashreplace"))
    return digest.hexdigest()


def _store(connection: Connection, sweep: Sweep) -> None:
    study_id = _inserted(connection, STUDIES, {"study_name": sweep.name})
    direction = "MAXIMIZE" if sweep.maximised else "MINIMIZE"
    row = {"study_id": study_id, "objective": 0, "direction": direction}
    connection.execute(insert(STUDY_DIRECTIONS).values(row))
    attributes = {"study:metric_names": [sweep.metric], _IMPORTED: _digest(sweep)}
    rows = [
        {"study_id": study_id, "key": key, "value_json": json.dumps(value)}
        for key, value in attributes.items()
    ]
    _insert(connection, STUDY_SYSTEM_ATTRIBUTES, rows)
    parameters = dict.fromkeys(name for trial in sweep.trials for name in trial.parameters)
    distributions = {name: distribution_of(sweep.values_of(name)) for name in parameters}
    for number, trial in enumerate(sweep.trials):
        trial_id = _inserted(connection, TRIALS, _trial_row(study_id, number, trial))
        params = [
            param_row(trial_id, name, _choice(value), distributions[name])
            for name, value in trial.parameters.items()
        ]
        _insert(connection, PARAMS, params)
        _store_measured(connection, trial_id, trial)
        if trial.seed is not None:
            _store_own(connection, study_id, trial_id, trial)


def _trial_row(study_id: int, number: int, trial: SweepTrial) -> dict[str, Any]:
    times = [
        None if moment is None else moment.replace(tzinfo=None)
        for moment in (trial.started_at, trial.finished_at)
    ]
    return {
        "number": number,
        "study_id": study_id,
        "state": trial.state,
        "datetime_start": times[0],
        "datetime_complete": times[1],
    }


def _store_measured(connection: Connection, trial_id: int, trial: SweepTrial) -> None:
    if trial.value is not None and not math.isnan(trial.value):
        connection.execute(insert(VALUES).values(value_row(trial_id, trial.value)))
    reports = [report_row(trial_id, step, value) for step, value in trial.reports.items()]
    _insert(connection, INTERMEDIATE_VALUES, reports)
    attributes = [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for key, value in trial.attributes.items()
    ]
    _insert(connection, TRIAL_USER_ATTRIBUTES, attributes)


def _store_own(connection: Connection, study_id: int, trial_id: int, trial: SweepTrial) -> None:
    """What Optuna has no place for: seed, configuration, scores by domain."""
    configuration = Configuration(trial.method, trial.parameters)
    row = {
        "study_id": study_id,
        "config_id": configuration.config_id,
        "method": trial.method,
        "role": "point",
        "variant": "",
        "values_json": json.dumps(dict(trial.parameters)),
    }
    insert_new(connection, OWN_CONFIGURATIONS, [row])
    steps = [*trial.reports, *(score.step for score in trial.scores)]
    connection.execute(
        insert(OWN_TRIALS).values(
            trial_id=trial_id,
            study_id=study_id,
            seed=trial.seed,
            config_id=configuration.config_id,
            attempt=1,
            stop_reason=_STOP_REASONS.get(trial.state),
            epochs=max(steps, default=None),
            selected_epoch=trial.selected_step,
            error=trial.error,
        )
    )
    _store_scores(connection, trial_id, trial)


def _store_scores(connection: Connection, trial_id: int, trial: SweepTrial) -> None:
    names = dict.fromkeys((score.split, score.domain, score.metric) for score in trial.scores)
    rows = [dict(zip(("split", "domain", "metric"), name, strict=True)) for name in names]
    insert_new(connection, OWN_SERIES, rows)
    known = connection.execute(select(OWN_SERIES)).all()
    series = {(row.split, row.domain, row.metric): row.series_id for row in known}
    dialect = connection.dialect.name
    scores = [
        score_row(
            trial_id,
            series[score.split, score.domain, score.metric],
            score.step,
            score.value,
            dialect=dialect,
        )
        for score in trial.scores
    ]
    _insert(connection, OWN_SCORES, scores)


def _inserted(connection: Connection, table: Any, row: dict[str, Any]) -> int:
    (key,) = connection.execute(insert(table).values(row)).inserted_primary_key or (None,)
    assert key is not None
    return int(key)


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), list(rows))
