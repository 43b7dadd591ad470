"""`read_trials`: one row a trial, with its hyperparameters and its accuracy on every domain."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy
from sqlalchemy import Engine, Select, select

from dgsearch.database.connection import open_for_reading
from dgsearch.database.decoding import (
    decode_params,
    decode_times,
    decode_values,
    typed_columns,
)
from dgsearch.database.reading import Database, Studies, frame_of, has_own_tables, study_ids
from dgsearch.database.tables import (
    OWN_CONFIGURATIONS,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    PARAMS,
    STATES,
    TRIALS,
    VALUES,
)

__all__ = ["read_trials"]

_TEXT = "string"
_OWN_TYPES = {
    "stop_reason": _TEXT,
    "seed": "Int64",
    "config_id": _TEXT,
    "method": _TEXT,
    "role": _TEXT,
    "variant": _TEXT,
    "epochs": "Int64",
    "selected_epoch": "Int64",
    "wall_s": "float64",
    "train_s": "float64",
    "saved_s": "float64",
    "device": _TEXT,
    "host": _TEXT,
    "peak_memory_mb": "float64",
    "attempt": "Int64",
    "rung": "Int64",
    "cutoff": "float64",
    "warnings": _TEXT,
    "error_type": _TEXT,
    "error": _TEXT,
}
_TAIL = (
    "value",
    "epochs",
    "started_at",
    "finished_at",
    "wall_s",
    "device",
    "peak_memory_mb",
    "error",
)
_ORDER = (
    "study",
    "trial_number",
    "state",
    "stop_reason",
    "seed",
    "config_id",
    "method",
    "role",
    "variant",
)


def read_trials(database: Database = None, study: Studies = None) -> pd.DataFrame:
    """The trials of some or all studies.

    Args:
        database: URL, path of an SQLite file or SQLAlchemy engine.
        study: One name, several, or None for all.

    Returns:
        One row a trial, ordered by study and number: study, trial_number, state (ordered
        category), stop_reason, seed, config_id, method, role, variant (of an ablation), one
        column a hyperparameter (where the frame has a column of that name, such as `epochs`,
        it is `param_epochs`), value (accuracy on the selection split at the selected epoch;
        missing unless the trial is COMPLETE), epochs, started_at, finished_at (UTC), wall_s,
        device, peak_memory_mb, error, further columns of the run, and `accuracy/<domain>` at
        the selected epoch.

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
    engine = open_for_reading(database)
    ids = study_ids(engine, study)
    frame = frame_of(engine, _trial_query(engine, list(ids))).set_index("trial_id")
    hyperparameters = _hyperparameters(engine, frame, list(ids)).rename(columns=_beside_own)
    frame["study"] = frame["study_id"].map(ids).astype("string")
    frame["state"] = pd.Categorical(frame["state"], categories=list(STATES), ordered=True)
    frame["value"] = decode_values(frame["value"], frame.pop("value_type"))
    decode_times(engine, frame)
    for name in _OWN_TYPES:
        if name not in frame:
            frame[name] = None
    frame = frame.astype(_OWN_TYPES)
    accuracies = _accuracies(engine, list(ids))
    first = [*_ORDER]
    middle = [*_TAIL]
    rest = [name for name in _OWN_TYPES if name not in (*first, *middle)]
    columns = pd.concat([frame[first], hyperparameters, frame[middle], frame[rest]], axis=1).join(
        accuracies
    )
    return columns.reset_index(drop=True)


def _trial_query(engine: Engine, ids: list[int]) -> Select[Any]:
    """Trials with their value and, where dgsearch wrote them, their own columns."""
    columns = [
        TRIALS.c.trial_id,
        TRIALS.c.study_id,
        TRIALS.c.number.label("trial_number"),
        sqlalchemy.cast(TRIALS.c.state, sqlalchemy.String).label("state"),
        TRIALS.c.datetime_start.label("started_at"),
        TRIALS.c.datetime_complete.label("finished_at"),
        VALUES.c.value,
        sqlalchemy.cast(VALUES.c.value_type, sqlalchemy.String).label("value_type"),
    ]
    first = (VALUES.c.trial_id == TRIALS.c.trial_id) & (VALUES.c.objective == 0)
    source = TRIALS.outerjoin(VALUES, first)
    if has_own_tables(engine):
        configuration = (OWN_CONFIGURATIONS.c.study_id == OWN_TRIALS.c.study_id) & (
            OWN_CONFIGURATIONS.c.config_id == OWN_TRIALS.c.config_id
        )
        source = source.outerjoin(
            OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id
        ).outerjoin(OWN_CONFIGURATIONS, configuration)
        own = [name for name in _OWN_TYPES if name in OWN_TRIALS.c]
        columns += [OWN_TRIALS.c[name] for name in own]
        columns += [OWN_CONFIGURATIONS.c[name] for name in ("method", "role", "variant")]
    order = (TRIALS.c.study_id, TRIALS.c.number)
    return select(*columns).select_from(source).where(TRIALS.c.study_id.in_(ids)).order_by(*order)


def _hyperparameters(engine: Engine, trials: pd.DataFrame, ids: list[int]) -> pd.DataFrame:
    """One column a hyperparameter: those that vary from Optuna, the others from our tables."""
    query = (
        select(
            PARAMS.c.trial_id,
            PARAMS.c.param_name,
            PARAMS.c.param_value,
            PARAMS.c.distribution_json,
        )
        .join(TRIALS, TRIALS.c.trial_id == PARAMS.c.trial_id)
        .where(TRIALS.c.study_id.in_(ids))
        .order_by(PARAMS.c.param_id)
    )
    varied = decode_params(frame_of(engine, query)).reindex(trials.index)
    if not has_own_tables(engine):
        return varied
    query = select(
        OWN_CONFIGURATIONS.c.study_id,
        OWN_CONFIGURATIONS.c.config_id,
        OWN_CONFIGURATIONS.c.values_json,
    ).where(OWN_CONFIGURATIONS.c.study_id.in_(ids))
    configurations = frame_of(engine, query)
    if configurations.empty:
        return varied
    values = typed_columns([json.loads(text) for text in configurations["values_json"]])
    values.index = pd.MultiIndex.from_frame(configurations[["study_id", "config_id"]])
    places = pd.MultiIndex.from_frame(trials[["study_id", "config_id"]])
    resolved = values.reindex(places).set_axis(trials.index, axis=0)
    others = [name for name in varied if name not in resolved]
    return resolved.join(varied[others])


def _accuracies(engine: Engine, ids: list[int]) -> pd.DataFrame:
    """`accuracy/<domain>` of each trial at its selected epoch, by trial_id."""
    if not has_own_tables(engine):
        return pd.DataFrame()
    query = (
        select(OWN_SCORES.c.trial_id, OWN_SERIES.c.split, OWN_SERIES.c.domain, OWN_SCORES.c.value)
        .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
        .join(OWN_SERIES, OWN_SERIES.c.series_id == OWN_SCORES.c.series_id)
        .where(
            OWN_TRIALS.c.study_id.in_(ids),
            OWN_SCORES.c.epoch == OWN_TRIALS.c.selected_epoch,
            OWN_SERIES.c.metric == "accuracy",
        )
        .order_by(OWN_SERIES.c.series_id)
    )
    frame = frame_of(engine, query)
    tested = set(frame.loc[frame["split"] == "test", "domain"])
    frame = frame[(frame["split"] == "test") | ~frame["domain"].isin(tested)]
    domains = list(dict.fromkeys(frame["domain"]))
    wide = frame.pivot(index="trial_id", columns="domain", values="value")[domains]
    return wide.astype(np.float64).add_prefix("accuracy/").rename_axis(columns=None)


def _beside_own(name: str) -> str:
    """Column of a hyperparameter: its name, with `param_` where the frame has that column."""
    taken = {*_ORDER, *_TAIL, *_OWN_TYPES}
    return f"param_{name}" if name in taken or name.startswith("accuracy/") else name
