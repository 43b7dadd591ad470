"""The long frames: one row a report or a score; in one piece or in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, Integer, Select, func, literal, select

from dgsearch.database.connection import open_for_reading
from dgsearch.database.decoding import signs, with_infinities
from dgsearch.database.filters import (
    Conditions,
    TrialFilter,
    chosen_columns,
    counted_blocks,
    exact_chunks,
)
from dgsearch.database.frames import FRAMES
from dgsearch.database.snapshot import Database, Floats, Snapshot, Studies, snapshot, to_frame
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    TRIALS,
)
from dgsearch.errors import DatabaseError, one_of

Epochs = int | str | Iterable[int] | None
SELECTED = "selected"
_NAMES = ("split", "domain", "metric")


@dataclass(frozen=True)
class LongRequest:
    """What is asked for.

    Attributes:
        frame: "curves" or "scores".
        study: Studies.
        trials: Which of their trials.
        columns: Columns, in order; None: all.
        epochs: One, several, "selected" for the epoch that counts, or None for all.
        domains: Domains of scores; None: all.
        metrics: Metrics of scores; None: all.
    """

    frame: str
    study: Studies
    trials: TrialFilter
    columns: Sequence[str] | None
    epochs: Epochs
    domains: Sequence[str] | None = None
    metrics: Sequence[str] | None = None


@dataclass(frozen=True)
class _Query:
    """A query of trial, epoch, series, number and sign of infinity, with what names its series.

    Attributes:
        rows: The query.
        counts: The number of its rows by study and trial.
        series: Split, domain and metric of each series, by id.
    """

    rows: Select[Any]
    counts: Select[Any]
    series: Mapping[int, Sequence[str]]


def long_frame(database: Database, request: LongRequest) -> pd.DataFrame:
    """All rows asked for, as one frame."""
    with snapshot(database) as opened:
        names = opened.studies(request.study)
        query = _query(opened, request, request.trials.conditions(opened, names))
        numbers = opened.numbers(query.rows)
    return _frame(numbers, names, query.series, request)


def long_in_chunks(
    database: Database, request: LongRequest, chunksize: int
) -> Iterator[pd.DataFrame]:
    """The same in frames of so many rows, all with the same columns and dtypes."""
    database = open_for_reading(database)
    with snapshot(database) as opened:
        names = opened.studies(request.study)
        query = _query(opened, request, request.trials.conditions(opened, names))
        blocks = counted_blocks(opened, query.counts, chunksize)

    def frames() -> Iterator[pd.DataFrame]:
        for block in blocks:
            with snapshot(database) as opened:
                numbers = opened.numbers(query.rows.where(block))
            yield _frame(numbers, names, query.series, request)

    yield from exact_chunks(frames(), chunksize)


def _query(database: Snapshot, request: LongRequest, conditions: Conditions) -> _Query:
    if request.frame == "curves":
        return _curves(database, request, conditions)
    series = _series(database, request)
    if not database.own:
        return _curves(database, request, [*conditions, literal(False)])
    epochs = _epochs(database, request.epochs, OWN_SCORES.c.epoch, OWN_SCORES.c.trial_id)
    where = [*conditions, *epochs, OWN_SCORES.c.series_id.in_(list(series))]
    columns = (OWN_SCORES.c.epoch, OWN_SCORES.c.series_id, OWN_SCORES.c.value, _none())
    return _joined(OWN_SCORES, columns, where, series)


def _curves(database: Snapshot, request: LongRequest, conditions: Conditions) -> _Query:
    table = INTERMEDIATE_VALUES
    epochs = _epochs(database, request.epochs, table.c.step, table.c.trial_id)
    sign = signs(table.c.intermediate_value_type)
    columns = (table.c.step, _none(), table.c.intermediate_value, sign)
    return _joined(table, columns, [*conditions, *epochs], {})


def _joined(
    table: Any,
    columns: Sequence[ColumnElement[Any]],
    where: Conditions,
    series: Mapping[int, Sequence[str]],
) -> _Query:
    """The query of such columns of a table of trials, and how many rows each trial has."""
    trial = table.c.trial_id == TRIALS.c.trial_id
    place = (TRIALS.c.study_id, TRIALS.c.trial_id)
    rows = select(TRIALS.c.study_id, TRIALS.c.number, *columns).join(table, trial).where(*where)
    counts = select(*place, func.count()).select_from(TRIALS).join(table, trial)
    return _Query(rows, counts.where(*where).group_by(*place), series)


def _none() -> ColumnElement[int]:
    return literal(0, Integer)


def _epochs(
    database: Snapshot,
    epochs: Epochs,
    epoch: ColumnElement[int],
    trial_id: ColumnElement[int],
) -> list[ColumnElement[bool]]:
    """What holds of the epoch of a row.

    Raises:
        DatabaseError: If it is a text other than "selected".
    """
    if epochs is None:
        return []
    if isinstance(epochs, str):
        if epochs != SELECTED:
            raise DatabaseError(
                f"epochs = {epochs!r}: must be numbers, or {SELECTED!r} for the epoch that counts"
            )
        if not database.own:
            return [literal(False)]
        of_trial = select(OWN_TRIALS.c.selected_epoch).where(OWN_TRIALS.c.trial_id == trial_id)
        return [epoch == of_trial.scalar_subquery()]
    if isinstance(epochs, int):
        return [epoch == epochs]
    if isinstance(epochs, range) and epochs.step == 1:
        return [epoch.between(epochs.start, epochs.stop - 1)]
    return [epoch.in_([int(number) for number in epochs])]


def _series(database: Snapshot, request: LongRequest) -> dict[int, Sequence[str]]:
    """Split, domain and metric of each series asked for, by id.

    Raises:
        DatabaseError: If no trial has such a domain or metric, though there are some.
    """
    if not database.own:
        return {}
    query = select(OWN_SERIES.c.series_id, *(OWN_SERIES.c[name] for name in _NAMES))
    rows = list(database.cursor(query.order_by(OWN_SERIES.c.series_id)))
    for field, asked, at in (("domains", request.domains, 2), ("metrics", request.metrics, 3)):
        known = list(dict.fromkeys(row[at] for row in rows))
        for name in asked or ():
            if known and name not in known:
                raise DatabaseError(f"{field}: {name!r} was not measured; {one_of(name, known)}")
        rows = [row for row in rows if asked is None or row[at] in asked]
    return {row[0]: row[1:] for row in rows}


def _frame(
    numbers: Floats,
    names: Mapping[int, str],
    series: Mapping[int, Sequence[str]],
    request: LongRequest,
) -> pd.DataFrame:
    """Rows of study_id, number, epoch, series_id, value and sign of infinity as a frame."""
    numbers = _sorted(numbers)
    studies, trials, epochs, series_ids, values, infinite = numbers.T
    arrays = {
        "study": _texts(studies, names),
        "trial_number": trials.astype(np.int64),
        "epoch": epochs.astype(np.int64),
        "value": with_infinities(values, infinite),
    }
    frame = to_frame(pa.table({"study": arrays.pop("study")})).assign(**arrays)
    if request.frame == "scores":
        places = np.searchsorted(np.array([*series], dtype=np.float64), series_ids)
        for at, name in enumerate(_NAMES):
            texts = [row[at] for row in series.values()]
            kinds = list(dict.fromkeys(texts))
            codes = np.array([kinds.index(text) for text in texts], dtype=np.int64)
            frame[name] = pd.Categorical.from_codes(
                codes[places], dtype=pd.CategoricalDtype(pd.Index(kinds, dtype="str"))
            )
    order = [column.name for column in FRAMES[request.frame].columns]
    return chosen_columns(frame[order], request.columns)


def _sorted(numbers: Floats) -> Floats:
    """Rows in the order of study, number, epoch and series; most databases give them so."""
    keys = numbers[:, :4]
    in_order = np.ones(max(len(keys) - 1, 0), dtype=bool)  # of each row and the next
    for key in keys.T[::-1]:
        before, after = key[:-1], key[1:]
        in_order = (before < after) | ((before == after) & in_order)
    if in_order.all():
        return numbers
    return numbers[np.lexsort(keys.T[::-1])]


def _texts(ids: Floats, names: Mapping[int, str]) -> pa.Array:
    """The name of each study, as text."""
    known = np.array([*names], dtype=np.float64)
    places = pa.array(np.searchsorted(known, ids).astype(np.int32))
    texts = pa.array(list(names.values()), pa.string())
    return pa.DictionaryArray.from_arrays(places, texts).dictionary_decode()
