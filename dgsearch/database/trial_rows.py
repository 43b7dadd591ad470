"""The trials asked for: which they are, in order, with the columns that every trial has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import sqlalchemy
from sqlalchemy import ColumnElement, Select, case, null, select

from dgsearch.database.declared import Objective, read_objectives
from dgsearch.database.decoding import local_to_utc, signs, with_infinities
from dgsearch.database.filters import Conditions
from dgsearch.database.frames import FRAMES, STATE
from dgsearch.database.rows import ENQUEUED
from dgsearch.database.snapshot import TIME, Floats, Ints, Snapshot, to_frame
from dgsearch.database.tables import (
    CONFIGURATION_OF_TRIAL,
    FIRST_VALUE,
    OWN_CONFIGURATIONS,
    OWN_TRIALS,
    TRIAL_SYSTEM_ATTRIBUTES,
    TRIALS,
    VALUES,
)
from dgsearch.database.zones import warn_of_mixed_times

_TYPES = FRAMES["trials"].dtypes
_TIMES = ("started_at", "finished_at")
_ARROW = {"string": pa.string(), "Int64": pa.int64(), "float64": pa.float64()}
_CONFIGURATION = ("method", "role", "variant")
_PROPOSED_BY = "proposed_by"
_OWN = [name for name in _TYPES if name in OWN_TRIALS.c or name in (*_CONFIGURATION, _PROPOSED_BY)]


@dataclass(frozen=True)
class TrialRows:
    """Trials in the order of a frame.

    Attributes:
        ids: trial_id of each.
        study_ids: study_id of each.
        config_ids: Configuration of each; None where dgsearch did not write it.
    """

    ids: Ints
    study_ids: Ints
    config_ids: Sequence[str | None]

    def places(self, trial_ids: Ints) -> Ints:
        """Position of each of some of these trials."""
        order = np.argsort(self.ids, kind="stable")
        return order[np.searchsorted(self.ids, trial_ids, sorter=order)]


def read_trial_rows(
    database: Snapshot,
    conditions: Conditions,
    names: Mapping[int, str],
    *,
    columns: Collection[str] | None,
) -> tuple[TrialRows, pd.DataFrame]:
    """The trials by study and number, with those columns whose names are fixed.

    Args:
        database: Where they are.
        conditions: Of the trials.
        names: Name of each study, by id, in order.
        columns: Only these are read from tables of ours; None: all.

    Returns:
        The trials, and one row each: the columns of `FRAMES["trials"]` that are no families.
    """
    own = [name for name in _OWN if columns is None or name in (*columns, "config_id")]
    query, types = _query(database, conditions, own)
    rows, frame = rows_of(database.table(query, types), names)
    _set_times(database, frame)
    return rows, frame[list(_TYPES)]


def rows_of(table: pa.Table, names: Mapping[int, str]) -> tuple[TrialRows, pd.DataFrame]:
    """The trials of a table, and their columns but for durations; times have no zone yet.

    Args:
        table: trial_id, study_id, trial_number, state, value, infinite, started_at, finished_at,
            and any others of `FRAMES["trials"]`.
        names: Name of each study, by id, in order.
    """
    found = to_frame(table)
    index = pd.RangeIndex(len(found))
    missing = {kind: pd.Series(None, index=index, dtype=kind) for kind in set(_TYPES.values())}
    columns = {name: found[name].set_axis(index) for name in _TYPES if name in found}
    frame = pd.DataFrame({name: columns.get(name, missing[kind]) for name, kind in _TYPES.items()})
    ids, study_ids = (found[name].to_numpy(np.int64) for name in ("trial_id", "study_id"))
    configured = frame["config_id"].to_numpy().tolist()
    config_ids = [text if isinstance(text, str) else None for text in configured]
    rows = TrialRows(ids, study_ids, config_ids)
    frame["study"] = pd.Series(study_ids).map(dict(names)).astype("string")
    frame["trial_number"] = frame["trial_number"].astype("int64")
    frame["state"] = frame["state"].astype(STATE)
    frame["value"] = with_infinities(
        frame["value"].to_numpy(), found["infinite"].to_numpy(np.float64, na_value=0)
    )
    return rows, frame


def objective_values(
    database: Snapshot, conditions: Conditions, rows: TrialRows, study_ids: Collection[int]
) -> dict[str, Floats]:
    """Every value of the trials of studies of several objectives, by column."""
    of_several = {
        study_id: found
        for study_id, found in read_objectives(database, list(study_ids)).items()
        if len(found) > 1
    }
    columns = dict.fromkeys(item.column for found in of_several.values() for item in found)
    if not columns:
        return {}
    query = (
        select(VALUES.c.trial_id, VALUES.c.objective, VALUES.c.value, signs(VALUES.c.value_type))
        .join(TRIALS, TRIALS.c.trial_id == VALUES.c.trial_id)
        .where(TRIALS.c.study_id.in_(list(of_several)), *conditions)
    )
    ids, places, numbers, infinite = database.numbers(query).T
    values = with_infinities(numbers, infinite)
    at = rows.places(ids.astype(np.int64))
    return values_of_several(of_several, rows, at, places, values)


def values_of_several(
    of_several: Mapping[int, Sequence[Objective]],
    rows: TrialRows,
    at: Ints,
    places: npt.NDArray[Any],
    values: Floats,
) -> dict[str, Floats]:
    """Values of studies of several objectives, by column.

    Args:
        of_several: Objectives of each such study, by id.
        rows: The trials.
        at: Position of the trial of each value.
        places: Objective of each value, from 0.
        values: The values.
    """
    columns = dict.fromkeys(item.column for found in of_several.values() for item in found)
    wide = {name: np.full(len(rows.ids), np.nan) for name in columns}
    for study_id, found in of_several.items():
        for objective in found:
            chosen = (rows.study_ids[at] == study_id) & (places == objective.index)
            wide[objective.column][at[chosen]] = values[chosen]
    return wide


def _query(
    database: Snapshot, conditions: Conditions, own: Sequence[str]
) -> tuple[Select[Any], dict[str, pa.DataType]]:
    """The query of the rows, and the type of each of its columns."""
    columns: dict[str, tuple[ColumnElement[Any], pa.DataType]] = {
        "trial_id": (TRIALS.c.trial_id, pa.int64()),
        "study_id": (TRIALS.c.study_id, pa.int64()),
        "trial_number": (TRIALS.c.number, pa.int64()),
        "state": (sqlalchemy.cast(TRIALS.c.state, sqlalchemy.String(16)), pa.string()),
        "value": (VALUES.c.value, pa.float64()),
        "infinite": (signs(VALUES.c.value_type), pa.int64()),
        "started_at": (TRIALS.c.datetime_start, TIME),
        "finished_at": (TRIALS.c.datetime_complete, TIME),
    }
    source = TRIALS.outerjoin(VALUES, FIRST_VALUE)
    if database.own:
        source = source.outerjoin(
            OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id
        ).outerjoin(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        for name in own:
            if name == _PROPOSED_BY:
                if "proposed" in database.own_columns:
                    columns[name] = (_proposed_by(), pa.string())
                continue
            if name not in _CONFIGURATION and name not in database.own_columns:
                continue  # of a later schema than the database has
            table = OWN_CONFIGURATIONS if name in _CONFIGURATION else OWN_TRIALS
            columns[name] = (table.c[name], _ARROW[_TYPES[name]])
    query = select(*(column for column, _ in columns.values())).select_from(source)
    query = query.where(*conditions).order_by(TRIALS.c.study_id, TRIALS.c.number)
    return query, {name: kind for name, (_, kind) in columns.items()}


def _proposed_by() -> ColumnElement[Any]:
    """Of a proposal of a search whether the study file gave it, or its sampler."""
    table = TRIAL_SYSTEM_ATTRIBUTES
    marked = select(table.c.trial_id).where(
        table.c.trial_id == OWN_TRIALS.c.trial_id, table.c.key == ENQUEUED
    )
    given = marked.correlate(OWN_TRIALS).exists()
    return case(
        ((OWN_TRIALS.c.proposed == 1) & given, "enqueue"),
        (OWN_TRIALS.c.proposed == 1, "sampler"),
        else_=null(),
    )


def _set_times(database: Snapshot, frame: pd.DataFrame) -> None:
    """Put times in UTC, and the durations between them, in place.

    A database that Optuna before 5.0 created holds the local time of whoever wrote it; it is
    read as this machine's, or as that of the zone chosen. Trials that dgsearch wrote are in UTC
    in any case.
    """
    foreign = frame["config_id"].isna()
    for name in _TIMES:
        times = frame[name]
        utc = times.dt.tz_localize("UTC")
        if not database.utc:
            utc = utc.where(~foreign, local_to_utc(times))
        frame[name] = utc
    if not database.utc:
        warn_of_mixed_times(frame[foreign], database.place)
    set_durations(frame)


def set_durations(frame: pd.DataFrame) -> None:
    """Put the seconds between start and end, in place."""
    frame["duration_s"] = (frame["finished_at"] - frame["started_at"]).dt.total_seconds()
