"""Which trials are read: the filters of the reading functions as conditions in SQL, and chunks.

The trials of the chunks are fixed when the first one is asked for, so that no frame and no read
transaction grows with the study; each chunk is read as its trials are at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, not_, or_, select

from dgsearch.database.snapshot import Floats, Ints, Snapshot
from dgsearch.database.tables import OWN_TRIALS, STATES, TRIALS
from dgsearch.database.zones import from_utc
from dgsearch.errors import DatabaseError, one_of

Names = str | Iterable[str] | None
Numbers = int | Iterable[int] | None
Since = str | datetime | None
Conditions = Sequence[ColumnElement[bool]]

_ENDED = ("COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True)
class TrialFilter:
    """Which trials are asked for; None: all.

    Attributes:
        states: Optuna's states.
        seeds: Seeds; trials that dgsearch did not write have none.
        since: Trials that began or ended at that time or later, and all that have not ended.
        numbers: Numbers of trials in their study.
    """

    states: Names = None
    seeds: Numbers = None
    since: Since = None
    numbers: tuple[int, ...] | None = None

    def conditions(self, database: Snapshot, study_ids: Iterable[int]) -> Conditions:
        """What holds of the row in `trials` of each trial asked for.

        Raises:
            DatabaseError: If a state is unknown or the time has no zone.
        """
        conditions: list[ColumnElement[bool]] = [TRIALS.c.study_id.in_(list(study_ids))]
        if self.states is not None:
            conditions.append(TRIALS.c.state.in_(_states(self.states)))
        if self.seeds is not None:
            seeds = [self.seeds] if isinstance(self.seeds, int) else [int(s) for s in self.seeds]
            of_seed = select(OWN_TRIALS.c.trial_id).where(OWN_TRIALS.c.seed.in_(seeds))
            conditions.append(
                TRIALS.c.trial_id.in_(of_seed) if database.own else sqlalchemy.false()
            )
        if self.since is not None:
            conditions.append(_since(database, utc_moment(self.since)))
        if self.numbers is not None:
            conditions.append(TRIALS.c.number.in_(self.numbers))
        return conditions


def own_trial() -> ColumnElement[bool]:
    """Whether dgsearch wrote a trial, where it has tables."""
    return TRIALS.c.trial_id.in_(select(OWN_TRIALS.c.trial_id))


def listed(names: Names) -> list[str] | None:
    """One name or several as a list; None: all."""
    if names is None:
        return None
    return [names] if isinstance(names, str) else list(names)


def chosen_columns(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    """Those columns of a frame that were asked for, in that order.

    Raises:
        DatabaseError: If it has no such column.
    """
    if columns is None:
        return frame
    for name in columns:
        if name not in frame.columns:
            allowed = [str(column) for column in frame.columns]
            raise DatabaseError(f"columns: there is no column {name!r}; {one_of(name, allowed)}")
    return frame[list(columns)]


def check_chunksize(chunksize: int) -> None:
    """Refuse what is no number of rows.

    Raises:
        DatabaseError: If it is below 1.
    """
    if chunksize < 1:
        raise DatabaseError(f"chunksize = {chunksize}: must be at least 1 row")


def utc_moment(since: str | datetime) -> pd.Timestamp:
    """A time in UTC; a text without a zone is meant in UTC.

    Raises:
        DatabaseError: If it is no time, or a `datetime` without a zone.
    """
    try:
        moment = pd.Timestamp(since)
    except ValueError as error:
        raise DatabaseError(
            f"since = {since!r} is no time; give one such as '2026-01-31 12:00' (UTC)"
        ) from error
    if moment.tzinfo is not None:
        return moment.tz_convert("UTC")
    if isinstance(since, str):
        return moment.tz_localize("UTC")
    raise DatabaseError(
        f"since = {since} has no time zone; give one, for example datetime.now(timezone.utc)"
    )


def _states(states: str | Iterable[str]) -> list[str]:
    names = [str(name) for name in listed(states) or ()]
    for name in names:
        if name not in STATES:
            raise DatabaseError(f"states: {name!r} is unknown; {one_of(name, STATES)}")
    return names


def _since(database: Snapshot, moment: pd.Timestamp) -> ColumnElement[bool]:
    """Began or ended since then, in the clock in which each trial was stored, or goes on."""
    utc = _active_since(moment.tz_localize(None).to_pydatetime())
    goes_on = TRIALS.c.state.not_in(_ENDED)
    if database.utc:
        return or_(goes_on, utc)
    local = _active_since(from_utc(moment.to_pydatetime()))
    if not database.own:
        return or_(goes_on, local)
    return or_(goes_on, and_(own_trial(), utc), and_(not_(own_trial()), local))


def _active_since(moment: datetime) -> ColumnElement[bool]:
    return or_(TRIALS.c.datetime_start >= moment, TRIALS.c.datetime_complete >= moment)


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
