"""Which trials make a chunk, so that no frame and no read transaction grows with the study.

The trials are fixed when the first chunk is asked for; each chunk is then read by itself, as
its trials are at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, or_, select

from dgsearch.database.filters import Conditions
from dgsearch.database.snapshot import Floats, Ints, Snapshot
from dgsearch.database.tables import TRIALS

_PLACE = (TRIALS.c.study_id, TRIALS.c.trial_id)


def trial_blocks(
    database: Snapshot, conditions: Conditions, trials: int
) -> list[ColumnElement[bool]]:
    """Conditions that each hold for so many trials, in the order of study and number.

    There is at least one, so that a study without trials still has a frame.
    """
    places = database.numbers(select(*_PLACE).where(*conditions).order_by(*_PLACE))
    blocks = [_among(places[at : at + trials]) for at in range(0, len(places), trials)]
    return blocks or [sqlalchemy.false()]


def counted_blocks(
    database: Snapshot, counts: Select[Any], rows: int
) -> list[ColumnElement[bool]]:
    """Conditions that each hold for as many trials as have so many rows, at least one.

    Args:
        database: Where they are.
        counts: Gives study_id, trial_id and number of rows of each trial.
        rows: In a block, unless one trial has more.
    """
    found = database.numbers(counts.order_by(*_PLACE))
    blocks, start, total = [], 0, 0.0
    for at, count in enumerate(found[:, 2]):
        if total and total + count > rows:
            blocks.append(_among(found[start:at]))
            start, total = at, 0.0
        total += count
    return [*blocks, _among(found[start:])] if len(found) else [sqlalchemy.false()]


def exact_chunks(frames: Iterable[pd.DataFrame], rows: int) -> Iterator[pd.DataFrame]:
    """The same rows in frames of so many, the last one shorter; at least one, maybe empty."""
    rest: pd.DataFrame | None = None
    given = False
    for frame in frames:
        joined = frame if rest is None else pd.concat([rest, frame], ignore_index=True)
        whole = len(joined) // rows * rows
        for at in range(0, whole, rows):
            yield joined.iloc[at : at + rows].reset_index(drop=True)
            given = True
        rest = joined.iloc[whole:]
    if rest is not None and (len(rest) or not given):
        yield rest.reset_index(drop=True)


def _among(places: Floats) -> ColumnElement[bool]:
    """Whether a trial is one of these, which follow each other in the order of their ids."""
    # `Snapshot.numbers` gives one array of one type, so ids are floats beside counts that may be
    # missing; they are exact below 2**53.
    whole: Ints = places[:, :2].astype(np.int64)
    ranges = []
    for study_id in np.unique(whole[:, 0]):
        ids = whole[whole[:, 0] == study_id, 1]
        between = TRIALS.c.trial_id.between(int(ids[0]), int(ids[-1]))
        ranges.append(and_(TRIALS.c.study_id == int(study_id), between))
    return or_(*ranges)
