"""The frame of studies: what there is, how much of it has ended, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy
from sqlalchemy import Select, case, func, literal, select

from dgsearch.database.decoding import local_to_utc
from dgsearch.database.filters import Since, chosen_columns, own_trial, utc_moment
from dgsearch.database.frames import FRAMES
from dgsearch.database.snapshot import TIME, Database, Snapshot, Studies, snapshot, to_frame
from dgsearch.database.tables import OWN_STUDIES, STATES, STUDY_DIRECTIONS, TRIALS

__all__ = ["studies_frame"]

_TYPES = FRAMES["studies"].dtypes
_COUNTS = {state: state.lower() for state in STATES}


def studies_frame(
    database: Database, study: Studies, *, since: Since, columns: Sequence[str] | None
) -> pd.DataFrame:
    """The studies asked for, in order of creation."""
    with snapshot(database) as opened:
        names = opened.studies(study)
        trials = _trials(opened, list(names))
        methods = _texts(opened, OWN_STUDIES, "method") if opened.own else {}
        directions = _texts(opened, STUDY_DIRECTIONS, "direction")
    groups = trials.groupby("study_id")
    counts = trials.pivot_table(
        index="study_id", columns="state", values="trials", aggfunc="sum", fill_value=0
    )
    frame = pd.DataFrame(index=pd.Index(list(names), dtype="int64"))
    frame["study"] = pd.Series(names, dtype="string")
    frame["method"] = frame.index.map(methods).astype("string")
    frame["direction"] = frame.index.map(directions).astype("string")
    frame["trials"] = groups["trials"].sum()
    for state, name in _COUNTS.items():
        frame[name] = counts.get(state, 0)
    frame["started_at"] = groups["started_at"].min()
    frame["finished_at"] = groups["finished_at"].max()
    whole = ["trials", *_COUNTS.values()]
    frame[whole] = frame[whole].fillna(0)
    frame = frame[list(_TYPES)].astype(_TYPES)
    if since is not None:
        moment = utc_moment(since)
        goes_on = frame["running"] + frame["waiting"] > 0
        begun = frame["started_at"] >= moment
        frame = frame[goes_on | begun | (frame["finished_at"] >= moment)]
    return chosen_columns(frame.reset_index(drop=True), columns)


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
