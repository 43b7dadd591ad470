"""The long frames: one row a report or a score; in one piece or in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, Select, func, literal, select

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
from dgsearch.database.snapshot import (
    Database,
    Floats,
    Ints,
    Snapshot,
    Studies,
    snapshot,
    to_frame,
)
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
_EXACT = 2.0**53  # up to which floats hold whole numbers


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
    """A query of trial, epoch, series or sign of infinity, and value, and what names its series.

    Attributes:
        rows: The query.
        trials: Trial, study and number of the trials that have the rows.
        counts: The number of its rows by study and trial.
        series: Split, domain and metric of each series, by id.
    """

    rows: Select[Any]
    trials: Select[Any]
    counts: Select[Any]
    series: Mapping[int, Sequence[str]]


def long_frame(database: Database, request: LongRequest) -> pd.DataFrame:
    """All rows asked for, as one frame."""
    with snapshot(database) as opened:
        names = opened.studies(request.study)
        query = _query(opened, request, request.trials.conditions(opened, names))
        numbers, trials = opened.numbers(query.rows), opened.numbers(query.trials)
    return _frame(numbers, trials, names, query.series, request)


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
                trials = opened.numbers(query.trials.where(block))
            yield _frame(numbers, trials, names, query.series, request)

    yield from exact_chunks(frames(), chunksize)


def _query(database: Snapshot, request: LongRequest, conditions: Conditions) -> _Query:
    if request.frame == "curves":
        return _curves(database, request, conditions)
    series = _series(database, request)
    if not database.own:
        return _curves(database, request, [*conditions, literal(False)])
    epochs = _epochs(database, request.epochs, OWN_SCORES.c.epoch, OWN_SCORES.c.trial_id)
    own = [*epochs, OWN_SCORES.c.series_id.in_(list(series))]
    columns = (OWN_SCORES.c.epoch, OWN_SCORES.c.series_id, OWN_SCORES.c.value)
    return _joined(OWN_SCORES, columns, conditions, own, series)


def _curves(database: Snapshot, request: LongRequest, conditions: Conditions) -> _Query:
    table = INTERMEDIATE_VALUES
    epochs = _epochs(database, request.epochs, table.c.step, table.c.trial_id)
    sign = signs(table.c.intermediate_value_type)
    columns = (table.c.step, sign, table.c.intermediate_value)
    return _joined(table, columns, conditions, epochs, {})


def _joined(
    table: Any,
    columns: Sequence[ColumnElement[Any]],
    of_trials: Conditions,
    of_rows: Conditions,
    series: Mapping[int, Sequence[str]],
) -> _Query:
    """The query of such columns of a table of trials, and how many rows each trial has."""
    where = [*of_trials, *of_rows]
    trial = table.c.trial_id == TRIALS.c.trial_id
    place = (TRIALS.c.study_id, TRIALS.c.trial_id)
    rows = select(table.c.trial_id, *columns).join(TRIALS, trial).where(*where)
    counts = select(*place, func.count()).select_from(TRIALS).join(table, trial)
    trials = select(TRIALS.c.trial_id, TRIALS.c.study_id, TRIALS.c.number).where(*of_trials)
    return _Query(rows, trials, counts.where(*where).group_by(*place), series)


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
    trials: Floats,
    names: Mapping[int, str],
    series: Mapping[int, Sequence[str]],
    request: LongRequest,
) -> pd.DataFrame:
    """Rows of trial_id, epoch, series_id or sign of infinity, and value as a frame.

    Args:
        numbers: The rows.
        trials: (trials, 3) trial_id, study_id and number of those trials, and maybe of others.
        names: Of studies, by id.
        series: Split, domain and metric, by id.
        request: What is asked for.
    """
    scores = request.frame == "scores"
    trials = trials[np.lexsort((trials[:, 2], trials[:, 1]))]
    numbers, places = _sorted(numbers, _places(trials[:, 0], numbers[:, 0]))
    _, epochs, others, values = numbers.T
    studies, trial_numbers = trials[places, 1], trials[places, 2]
    infinite = np.zeros(len(values)) if scores else others
    arrays = {
        "study": _texts(studies, names),
        "trial_number": trial_numbers.astype(np.int64),
        "epoch": epochs.astype(np.int64),
        "value": with_infinities(values, infinite),
    }
    frame = to_frame(pa.table({"study": arrays.pop("study")})).assign(**arrays)
    if scores:
        named = np.searchsorted(np.array([*series], dtype=np.float64), others)
        for at, name in enumerate(_NAMES):
            texts = [row[at] for row in series.values()]
            kinds = list(dict.fromkeys(texts))
            codes = np.array([kinds.index(text) for text in texts], dtype=np.int64)
            frame[name] = pd.Categorical.from_codes(
                codes[named], dtype=pd.CategoricalDtype(pd.Index(kinds, dtype="str"))
            )
    order = [column.name for column in FRAMES[request.frame].columns]
    return chosen_columns(frame[order], request.columns)


def _places(ids: Floats, of_rows: Floats) -> Ints:
    """Position of the trial of each row; most databases give the rows trial by trial."""
    heads = np.flatnonzero(np.diff(of_rows, prepend=np.nan) != 0)
    order = np.argsort(ids)
    found = order[np.searchsorted(ids, of_rows[heads], sorter=order)]
    places: Ints = np.repeat(found, np.diff(heads, append=len(of_rows)))
    return places


def _sorted(numbers: Floats, places: Ints) -> tuple[Floats, Ints]:
    """Rows, and the places of their trials, in the order of place, epoch and series."""
    keys = places.astype(np.float64)
    for column in numbers.T[1:3]:
        least = column.min(initial=0)
        keys = keys * (column.max(initial=0) - least + 1) + (column - least)
    if not keys.max(initial=0) < _EXACT:  # one number cannot hold all three
        order = np.lexsort((numbers[:, 2], numbers[:, 1], places))
    elif (keys[1:] >= keys[:-1]).all():
        return numbers, places
    else:
        order = np.argsort(keys.astype(np.int64), kind="stable")
    return numbers[order], places[order]


def _texts(ids: Floats, names: Mapping[int, str]) -> pa.Array:
    """The name of each study, as text."""
    known = np.array([*names], dtype=np.float64)
    places = pa.array(np.searchsorted(known, ids).astype(np.int32))
    texts = pa.array(list(names.values()), pa.string())
    return pa.DictionaryArray.from_arrays(places, texts).dictionary_decode()
