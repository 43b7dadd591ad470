"""Study databases as pandas frames, straight from SQL.

| frame | one row is | columns |
| --- | --- | --- |
| studies | a study | study, method, trials, one count per state, started_at, finished_at |
| trials | a trial | see `read_trials` |
| curves | an epoch of a trial | study, trial_number, epoch, value |
| scores | a measured number | study, trial_number, epoch, split, domain, metric, value |

Accuracies are 0..1, times UTC, durations seconds. A column that a database does not have,
because Optuna alone wrote it, holds missing values.
"""

from __future__ import annotations

import pandas as pd
import sqlalchemy
from sqlalchemy import case, func, select

from dgsearch.database.connection import open_for_reading
from dgsearch.database.decoding import decode_times, decode_values
from dgsearch.database.reading import Database, Studies, frame_of, has_own_tables, named, study_ids
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_SCORES,
    OWN_SERIES,
    OWN_STUDIES,
    STATES,
    STUDIES,
    TRIALS,
)
from dgsearch.database.trials import read_trials

__all__ = ["read_curves", "read_scores", "read_studies", "read_trials"]


def read_studies(database: Database = None) -> pd.DataFrame:
    """All studies of a database.

    Args:
        database: URL, path of an SQLite file or SQLAlchemy engine.

    Returns:
        One row a study, in order of creation: study, method (missing if dgsearch did not write
        it), trials, running, complete, pruned, fail, waiting, started_at, finished_at (of the
        first and last trial, UTC).

    Raises:
        DatabaseError: If the database cannot be read.
    """
    engine = open_for_reading(database)
    counts = [
        func.sum(case((TRIALS.c.state == state, 1), else_=0)).label(state.lower())
        for state in STATES
    ]
    query = (
        select(
            STUDIES.c.study_id,
            STUDIES.c.study_name.label("study"),
            func.count(TRIALS.c.trial_id).label("trials"),
            *counts,
            func.min(TRIALS.c.datetime_start).label("started_at"),
            func.max(TRIALS.c.datetime_complete).label("finished_at"),
        )
        .outerjoin(TRIALS, TRIALS.c.study_id == STUDIES.c.study_id)
        .group_by(STUDIES.c.study_id, STUDIES.c.study_name)
        .order_by(STUDIES.c.study_id)
    )
    frame = frame_of(engine, query)
    states = [state.lower() for state in STATES]
    frame[states] = frame[states].fillna(0).astype("int64")
    methods: dict[int, str] = {}
    if has_own_tables(engine):
        own = frame_of(engine, select(OWN_STUDIES.c.study_id, OWN_STUDIES.c.method))
        methods = dict(zip(own["study_id"], own["method"], strict=True))
    frame.insert(2, "method", frame["study_id"].map(methods).astype("string"))
    decode_times(engine, frame)
    return frame.drop(columns="study_id")


def read_curves(database: Database = None, study: Studies = None) -> pd.DataFrame:
    """What trials reported epoch by epoch.

    Args:
        database: URL, path of an SQLite file or SQLAlchemy engine.
        study: One name, several, or None for all.

    Returns:
        One row a report, ordered by study, number and epoch: study, trial_number, epoch
        (from 1), value (accuracy on the selection split).

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
    engine = open_for_reading(database)
    ids = study_ids(engine, study)
    query = (
        select(
            TRIALS.c.study_id,
            TRIALS.c.number.label("trial_number"),
            INTERMEDIATE_VALUES.c.step.label("epoch"),
            INTERMEDIATE_VALUES.c.intermediate_value.label("value"),
            sqlalchemy.cast(
                INTERMEDIATE_VALUES.c.intermediate_value_type, sqlalchemy.String
            ).label("value_type"),
        )
        .join(TRIALS, TRIALS.c.trial_id == INTERMEDIATE_VALUES.c.trial_id)
        .where(TRIALS.c.study_id.in_(ids))
        .order_by(TRIALS.c.study_id, TRIALS.c.number, INTERMEDIATE_VALUES.c.step)
    )
    frame = frame_of(engine, query)
    frame["value"] = decode_values(frame["value"], frame.pop("value_type"))
    return named(frame, ids, {"trial_number": "int64", "epoch": "int64"})


def read_scores(database: Database = None, study: Studies = None) -> pd.DataFrame:
    """Everything that trials measured: accuracies and losses per domain, and diagnostics.

    Args:
        database: URL, path of an SQLite file or SQLAlchemy engine.
        study: One name, several, or None for all.

    Returns:
        One row a number, ordered by study, trial number, epoch: study, trial_number, epoch
        (from 1), split ("train", "validation", "test"), domain, metric, value.

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
    engine = open_for_reading(database)
    ids = study_ids(engine, study)
    names = ("trial_number", "epoch", "split", "domain", "metric", "value")
    if not has_own_tables(engine):
        frame = pd.DataFrame({name: [] for name in ("study_id", *names)})
    else:
        query = (
            select(
                TRIALS.c.study_id,
                TRIALS.c.number.label("trial_number"),
                OWN_SCORES.c.epoch,
                OWN_SERIES.c.split,
                OWN_SERIES.c.domain,
                OWN_SERIES.c.metric,
                OWN_SCORES.c.value,
            )
            .join(TRIALS, TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
            .join(OWN_SERIES, OWN_SERIES.c.series_id == OWN_SCORES.c.series_id)
            .where(TRIALS.c.study_id.in_(ids))
            .order_by(
                TRIALS.c.study_id, TRIALS.c.number, OWN_SCORES.c.epoch, OWN_SCORES.c.series_id
            )
        )
        frame = frame_of(engine, query)
    kinds = {"trial_number": "int64", "epoch": "int64", "value": "float64"}
    return named(frame, ids, kinds | dict.fromkeys(("split", "domain", "metric"), "category"))
