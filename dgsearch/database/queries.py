"""Reading studies into pandas: `read_studies`, `read_trials`, `read_curves`, `read_scores`.

They read any database that Optuna 0.9 to 5.0 or Rustuna created, and their journal files; what
dgsearch alone records is missing for studies that it did not write. Their columns, dtypes, units
and order are those of `dgsearch.describe_frames()`. Filters are part of the SQL, so that what is
not asked for is not read. Nothing is written, and SQLite files are opened read-only.

Times in UTC: Optuna wrote local times before version 5.0 and the database tells which version
created it; times of older databases are read as those of this machine's zone, or of the zone
that `dgsearch.time_zone` chose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, overload

import pandas as pd
import pyarrow as pa
import sqlalchemy
from sqlalchemy import Select, case, func, literal, select

from dgsearch.database.decoding import local_to_utc
from dgsearch.database.filters import (
    Names,
    Numbers,
    Since,
    TrialFilter,
    check_chunksize,
    chosen_columns,
    listed,
    own_trial,
    utc_moment,
)
from dgsearch.database.frames import FRAMES
from dgsearch.database.long_frames import Epochs, LongRequest, long_frame, long_in_chunks
from dgsearch.database.snapshot import TIME, Database, Snapshot, Studies, snapshot, to_frame
from dgsearch.database.tables import OWN_STUDIES, STATES, STUDY_DIRECTIONS, TRIALS
from dgsearch.database.trials import TrialRequest, trials_frame, trials_in_chunks

_TYPES = FRAMES["studies"].dtypes
_COUNTS = {state: state.lower() for state in STATES}
_OF_TRIALS = {"trials", *_COUNTS.values(), "started_at", "finished_at"}


def studies_frame(
    database: Database, study: Studies, *, since: Since, columns: Sequence[str] | None
) -> pd.DataFrame:
    """The studies asked for, in order of creation."""
    counted = since is not None or columns is None or not {*columns} <= _TYPES.keys() - _OF_TRIALS
    with snapshot(database) as opened:
        names = opened.studies(study)
        trials = _trials(opened, list(names)) if counted else None
        methods = _texts(opened, OWN_STUDIES, "method") if opened.own else {}
        directions = _texts(opened, STUDY_DIRECTIONS, "direction")
        informed = _informed(opened) if opened.own else {}
    frame = pd.DataFrame(index=pd.Index(list(names), dtype="int64"))
    frame["study"] = pd.Series(names, dtype="string")
    frame["method"] = frame.index.map(methods).astype("string")
    frame["direction"] = frame.index.map(directions).astype("string")
    frame["warm_start"] = frame.index.map(informed).astype("string")
    if trials is not None:
        frame = _with_trials(frame, trials)
    if since is not None:
        moment = utc_moment(since)
        goes_on = frame["running"] + frame["waiting"] > 0
        begun = frame["started_at"] >= moment
        frame = frame[goes_on | begun | (frame["finished_at"] >= moment)]
    return chosen_columns(frame.reset_index(drop=True), columns)


def _with_trials(frame: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Studies by id, with what `_trials` says of each."""
    groups = trials.groupby("study_id")
    counts = trials.pivot_table(
        index="study_id", columns="state", values="trials", aggfunc="sum", fill_value=0
    )
    frame["trials"] = groups["trials"].sum()
    for state, name in _COUNTS.items():
        frame[name] = counts.get(state, 0)
    frame["started_at"] = groups["started_at"].min()
    frame["finished_at"] = groups["finished_at"].max()
    whole = ["trials", *_COUNTS.values()]
    frame[whole] = frame[whole].fillna(0)
    return frame[list(_TYPES)].astype(_TYPES)


def _trials(database: Snapshot, study_ids: list[int]) -> pd.DataFrame:
    """By study, state and writer: how many trials, the first start, the last end (UTC)."""
    own = case((own_trial(), 1), else_=0) if database.own else literal(0)
    state = sqlalchemy.cast(TRIALS.c.state, sqlalchemy.String(16))
    query: Select[Any] = (
        select(
            TRIALS.c.study_id,
            state,
            own.label("own"),
            func.count(),
            func.min(TRIALS.c.datetime_start),
            func.max(TRIALS.c.datetime_complete),
        )
        .where(TRIALS.c.study_id.in_(study_ids))
        .group_by(TRIALS.c.study_id, TRIALS.c.state, "own")
    )
    numbers = dict.fromkeys(("study_id", "state", "own", "trials"), pa.int64())
    types = numbers | {"state": pa.string(), "started_at": TIME, "finished_at": TIME}
    frame = to_frame(database.table(query, types))
    for name in ("started_at", "finished_at"):
        utc = frame[name].dt.tz_localize("UTC")
        stored_in_utc = database.utc | (frame["own"] == 1)
        frame[name] = utc.where(stored_in_utc, local_to_utc(frame[name]))
    return frame


def _texts(database: Snapshot, table: Any, column: str) -> dict[int, str]:
    """A text of each study; of its first value, where it has several."""
    query = select(table.c.study_id, sqlalchemy.cast(table.c[column], sqlalchemy.String(200)))
    if "objective" in table.c:
        query = query.where(table.c.objective == 0)
    return dict(iter(database.cursor(query)))


def _informed(database: Snapshot) -> dict[int, str]:
    """The study that each search is started from, of those that are."""
    named = OWN_STUDIES.c.spec_json.like('%"warm_start"%')
    query = select(OWN_STUDIES.c.study_id, OWN_STUDIES.c.spec_json).where(named)
    designs = {study_id: json.loads(text)["design"] for study_id, text in database.cursor(query)}
    found = {study_id: design.get("warm_start") for study_id, design in designs.items()}
    return {study_id: str(name) for study_id, name in found.items() if name}


def read_studies(
    database: Database = None,
    study: Studies = None,
    *,
    since: Since = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The studies of a database, in order of creation.

    Args:
        database: URL, path of an SQLite file or a journal, or SQLAlchemy engine.
        study: One name, several, or None for all.
        since: Only studies of which a trial began or ended since then, or has not ended.
        columns: Only these, in this order.

    Returns:
        One row a study: its name, method, direction, what informs its sampler, counts of trials
        by state, first start, last end.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study or column.
    """
    return studies_frame(database, study, since=since, columns=listed(columns))


@overload
def read_trials(
    database: Database = ...,
    study: Studies = ...,
    *,
    states: Names = ...,
    seeds: Numbers = ...,
    since: Since = ...,
    columns: Sequence[str] | None = ...,
    domains: Names = ...,
    chunksize: None = ...,
) -> pd.DataFrame: ...
@overload
def read_trials(
    database: Database = ...,
    study: Studies = ...,
    *,
    states: Names = ...,
    seeds: Numbers = ...,
    since: Since = ...,
    columns: Sequence[str] | None = ...,
    domains: Names = ...,
    chunksize: int,
) -> Iterator[pd.DataFrame]: ...
def read_trials(
    database: Database = None,
    study: Studies = None,
    *,
    states: Names = None,
    seeds: Numbers = None,
    since: Since = None,
    columns: Sequence[str] | None = None,
    domains: Names = None,
    chunksize: int | None = None,
) -> pd.DataFrame | Iterator[pd.DataFrame]:
    """The trials of some or all studies, ordered by study and number.

    A hyperparameter whose name the frame has already, such as `epochs`, is the column
    `param_epochs`.

    Args:
        database: URL, path of an SQLite file or a journal, or SQLAlchemy engine.
        study: One name, several, or None for all.
        states: Only trials in these states.
        seeds: Only trials of these seeds.
        since: Only trials that began or ended since then, and those that have not ended, of
            which more may be known now. A text without a zone is in UTC. What is the same trial
            in two frames has the same study and trial_number; the later one holds.
        columns: Only these, in this order; what the others need is not read.
        domains: Only the accuracies on these.
        chunksize: Give frames of so many trials, read one after the other, with equal columns.

    Returns:
        One row a trial, or an iterator over such frames.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study, state or column.
    """
    request = TrialRequest(
        study, TrialFilter(states, seeds, since), listed(columns), listed(domains)
    )
    if chunksize is None:
        return trials_frame(database, request)
    check_chunksize(chunksize)
    return trials_in_chunks(database, request, chunksize)


@overload
def read_curves(
    database: Database = ...,
    study: Studies = ...,
    *,
    states: Names = ...,
    seeds: Numbers = ...,
    since: Since = ...,
    columns: Sequence[str] | None = ...,
    epochs: Epochs = ...,
    chunksize: None = ...,
) -> pd.DataFrame: ...
@overload
def read_curves(
    database: Database = ...,
    study: Studies = ...,
    *,
    states: Names = ...,
    seeds: Numbers = ...,
    since: Since = ...,
    columns: Sequence[str] | None = ...,
    epochs: Epochs = ...,
    chunksize: int,
) -> Iterator[pd.DataFrame]: ...
def read_curves(
    database: Database = None,
    study: Studies = None,
    *,
    states: Names = None,
    seeds: Numbers = None,
    since: Since = None,
    columns: Sequence[str] | None = None,
    epochs: Epochs = None,
    chunksize: int | None = None,
) -> pd.DataFrame | Iterator[pd.DataFrame]:
    """What trials reported epoch by epoch, ordered by study, trial number and epoch.

    Args:
        database: URL, path of an SQLite file or a journal, or SQLAlchemy engine.
        study: One name, several, or None for all.
        states: Only of trials in these states.
        seeds: Only of trials of these seeds.
        since: Only of trials that began or ended since then, and of those that have not ended.
        columns: Only these, in this order.
        epochs: Only this one or these; "selected" for the epoch whose scores count.
        chunksize: Give frames of so many rows, read one after the other.

    Returns:
        One row a report, or an iterator over such frames.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study, state or column.
    """
    request = LongRequest(
        "curves", study, TrialFilter(states, seeds, since), listed(columns), epochs
    )
    if chunksize is None:
        return long_frame(database, request)
    check_chunksize(chunksize)
    return long_in_chunks(database, request, chunksize)


@overload
def read_scores(
    database: Database = ...,
    study: Studies = ...,
    *,
    states: Names = ...,
    seeds: Numbers = ...,
    since: Since = ...,
    columns: Sequence[str] | None = ...,
    domains: Names = ...,
    metrics: Names = ...,
    epochs: Epochs = ...,
    chunksize: None = ...,
) -> pd.DataFrame: ...
@overload
def read_scores(
    database: Database = ...,
    study: Studies = ...,
    *,
    states: Names = ...,
    seeds: Numbers = ...,
    since: Since = ...,
    columns: Sequence[str] | None = ...,
    domains: Names = ...,
    metrics: Names = ...,
    epochs: Epochs = ...,
    chunksize: int,
) -> Iterator[pd.DataFrame]: ...
def read_scores(
    database: Database = None,
    study: Studies = None,
    *,
    states: Names = None,
    seeds: Numbers = None,
    since: Since = None,
    columns: Sequence[str] | None = None,
    domains: Names = None,
    metrics: Names = None,
    epochs: Epochs = None,
    chunksize: int | None = None,
) -> pd.DataFrame | Iterator[pd.DataFrame]:
    """Everything that trials measured: accuracies and losses per domain, and diagnostics.

    Rows are ordered by study, trial number and epoch, within an epoch by series. Studies that
    dgsearch did not write have none.

    Args:
        database: URL, path of an SQLite file or a journal, or SQLAlchemy engine.
        study: One name, several, or None for all.
        states: Only of trials in these states.
        seeds: Only of trials of these seeds.
        since: Only of trials that began or ended since then, and of those that have not ended.
        columns: Only these, in this order.
        domains: Only on these.
        metrics: Only these, such as "accuracy".
        epochs: Only this one or these; "selected" for the epoch whose scores count.
        chunksize: Give frames of so many rows, read one after the other.

    Returns:
        One row a number, or an iterator over such frames.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study, state, column,
            domain or metric.
    """
    trials = TrialFilter(states, seeds, since)
    request = LongRequest(
        "scores", study, trials, listed(columns), epochs, listed(domains), listed(metrics)
    )
    if chunksize is None:
        return long_frame(database, request)
    check_chunksize(chunksize)
    return long_in_chunks(database, request, chunksize)
