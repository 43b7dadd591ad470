"""Journals of Optuna and Rustuna: a file in which each line is one operation, JSON.

Operations are applied as Optuna's `JournalStorage` applies them, but all of a kind at once: what
names a study or trial that is not there, or changes a trial that has ended, is passed over.
Numbers of lines tell what came before what. Times carry their zone; those that Optuna 3.1 to 3.x
wrote without one are local times of this machine, or of the zone that was chosen.
"""

from __future__ import annotations

import gc
import json
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from dgsearch.database.formats.columns import Columns, StudyRow
from dgsearch.database.formats.journal_blocks import Ints
from dgsearch.database.formats.journal_lines import Operations, read_operations, read_reports
from dgsearch.database.formats.journal_others import BORN, NEVER, NO_TIME, Others
from dgsearch.database.tables import STATES

logger = logging.getLogger(__name__)

_Table: TypeAlias = dict[str, npt.NDArray[Any]]
_RUNNING = STATES.index("RUNNING")
_ENDED = [STATES.index(name) for name in ("COMPLETE", "PRUNED", "FAIL")]


def replayed(found: Operations, file: Path) -> Columns:
    """The studies and trials after the operations of a journal.

    Args:
        found: The operations; their columns are used up.
        file: What messages name.
    """
    others = Others(found, file)
    trials = _Trials(found, others)
    kept = trials.kept(others)
    discarded = len(trials.discarded)
    if discarded:
        logger.warning("trials that Rustuna discarded and that are left out: %d", discarded)
    params = trials.open_rows(_merged(found.params, others.params))
    params = _compatible_rows(params, trials.study, found.distributions.found)
    params = _distinct(params, "name")
    attributes, keys, objects = _attributes(found, others)
    attributes = _distinct(trials.open_rows(attributes), "key")

    def reports() -> _Table:
        further = read_reports(file, found.size)
        rows = _merged(further.reports, [*others.reports, *Others(further, file).reports])
        return _of(kept, _distinct(trials.open_rows(rows), "step"), "step", "value")

    return Columns(
        studies=[
            StudyRow(place + 1, study.name, study.directions, study.attributes)
            for place, study in enumerate(others.studies)
            if study.died == NEVER
        ],
        trials=trials.rows(kept),
        params=_of(kept, params, "name", "distribution", "value"),
        values=_of(kept, trials.values(), "objective", "value"),
        read_reports=reports,
        attributes=_of(kept, attributes, "key", "place"),
        names=found.names.found,
        distributions=found.distributions.found,
        keys=keys,
        objects=objects,
    )


class _Trials:
    """The trials in order of creation, their ids from 0.

    Attributes:
        study: Study of each, from 0.
        created: Line that created it.
        ended: Line that ended it.
    """

    def __init__(self, found: Operations, others: Others) -> None:
        creations = _merged(found.creations, others.creations)
        born, died = (
            np.array([getattr(study, name) for study in others.studies] + [0], np.int64)
            for name in ("born", "died")
        )
        known = np.minimum(creations["study"], len(others.studies))  # the last one never was
        line = creations["line"]
        there = (born[known] < line) & (line < died[known])
        self.study, self.created = creations["study"][there], line[there]
        self._started = creations["started"][there]
        size = len(self.study)
        self._finished = np.full(size, NO_TIME)
        self._state = np.full(size, _RUNNING)
        self._first, self._count = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._values = found.values
        self.ended = np.full(size, NEVER)
        self._begin(others)
        self._change(found, others)
        self.discarded = {
            trial
            for at, trial in others.discarded
            if 0 <= trial < size and self.created[trial] < at
        }

    def open_rows(self, table: _Table) -> _Table:
        """The rows of operations on trials that were there and had not ended, trial by trial."""
        trial, line = table["trial"], table["line"]
        born = trial == BORN
        if born.any():
            place = np.searchsorted(self.created, line[born])
            place = np.minimum(place, len(self.created) - 1)
            valid = len(self.created) > 0
            found = self.created[place] == line[born] if valid else np.zeros(len(place), bool)
            trial = trial.copy()
            trial[born] = np.where(found, place, NEVER)
        there = trial < len(self.study)
        safe = np.where(there, trial, 0)
        if len(self.study):
            there &= (self.created[safe] < line) & (line < self.ended[safe]) | born
        rows = {**table, "trial": trial, "born": born}
        if not there.all():
            rows = {name: values[there] for name, values in rows.items()}
        if (np.diff(rows["trial"]) < 0).any():
            order = np.argsort(rows["trial"], kind="stable")
            rows = {name: values[order] for name, values in rows.items()}
        return rows

    def kept(self, others: Others) -> Ints:
        """The trials of studies that are still there, in order, but those discarded."""
        died = np.array([study.died for study in others.studies], np.int64)
        there = died[self.study] == NEVER
        there[list(self.discarded)] = False
        return np.flatnonzero(there)

    def rows(self, kept: Ints) -> _Table:
        """The columns of trials."""
        return {
            "trial_id": kept + 1,
            "study_id": self.study[kept] + 1,
            "number": _numbers(self.study)[kept],
            "state": self._state[kept],
            "started": self._started[kept].view("datetime64[us]"),
            "finished": self._finished[kept].view("datetime64[us]"),
        }

    def values(self) -> _Table:
        """The rows of values."""
        trial = np.repeat(np.arange(len(self._count)), self._count)
        place = np.arange(len(trial)) - np.repeat(
            np.cumsum(self._count) - self._count, self._count
        )
        values = self._values[np.repeat(self._first, self._count) + place]
        return {"trial": trial, "objective": place, "value": values}

    def _begin(self, others: Others) -> None:
        """What trials were created with."""
        found: list[float] = []
        for line, (state, values, finished) in others.births.items():
            place = int(np.searchsorted(self.created, line))
            if place == len(self.created) or self.created[place] != line:
                continue
            self._state[place], self._finished[place] = state, finished
            self._first[place], self._count[place] = len(self._values) + len(found), len(values)
            found += values
            if state in _ENDED:
                self.ended[place] = line
        self._values = np.concatenate([self._values, np.array(found, np.float64)])

    def _change(self, found: Operations, others: Others) -> None:
        """Apply the changes of states: what began a trial that waited, and the first end."""
        table = _merged(found.states, self._stored_states(others))
        line, trial, state = (table[name] for name in ("line", "trial", "state"))
        there = trial < len(self.study)
        safe = np.where(there, trial, 0)
        if len(self.study):
            there &= (self.created[safe] < line) & (line < self.ended[safe])
        ends = np.flatnonzero(there & np.isin(state, _ENDED))
        ending, first = np.unique(trial[ends], return_index=True)
        ends = ends[first]
        self.ended[ending] = line[ends]
        for row in np.flatnonzero(there & ~np.isin(state, _ENDED)).tolist():
            self._begin_waiting({name: values[row] for name, values in table.items()})
        self._state[ending] = state[ends]
        self._finished[ending] = table["moment"][ends]
        with_values = table["count"][ends] > 0
        chosen, rows = ending[with_values], ends[with_values]
        self._first[chosen], self._count[chosen] = table["first"][rows], table["count"][rows]

    def _begin_waiting(self, row: dict[str, Any]) -> None:
        """Apply a state that does not end a trial."""
        trial = row["trial"]
        if row["line"] > self.ended[trial] or row["state"] == self._state[trial] == _RUNNING:
            return
        self._state[trial] = row["state"]
        if row["state"] == _RUNNING:
            self._started[trial] = row["moment"]
        if row["count"]:
            self._first[trial], self._count[trial] = row["first"], row["count"]

    def _stored_states(self, others: Others) -> list[tuple[int, ...]]:
        """Rows of states; their values are added to those of all trials."""
        first = len(self._values)
        rows: list[tuple[int, ...]] = []
        for line, trial, state, values, moment in others.states:
            rows.append((line, trial, state, first, len(values), moment))
            first += len(values)
        found = [value for _, _, _, values, _ in others.states for value in values]
        self._values = np.concatenate([self._values, np.array(found, np.float64)])
        return rows


def _merged(table: _Table, rows: Sequence[tuple[Any, ...]]) -> _Table:
    """Columns and further rows, by line."""
    if not rows:
        return table
    columns = zip(table.items(), zip(*rows, strict=True), strict=True)
    joined = {
        name: np.concatenate([values, np.array(further, values.dtype)])
        for (name, values), further in columns
    }
    order = np.argsort(joined["line"], kind="stable")
    return {name: values[order] for name, values in joined.items()}


def _distinct(rows: _Table, key: str) -> _Table:
    """The last row of each trial and key, in the place of the first; trials are in order."""
    trial, keys = rows["trial"], rows[key].astype(np.int64)
    same = (np.diff(trial) == 0) & (np.diff(keys) <= 0)
    if not same.any():
        return rows
    codes = np.unique(keys, return_inverse=True)[1]
    pairs = trial * (codes.max() + 1) + codes
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    last = np.empty(len(first), np.int64)
    last[inverse] = np.arange(len(pairs))  # of several the last one is kept
    chosen = last[np.argsort(first)]
    return {name: values[chosen] for name, values in rows.items()}


def _compatible_rows(rows: _Table, study: Ints, texts: Sequence[str]) -> _Table:
    """The rows whose distribution Optuna allows beside the first of that hyperparameter."""
    if not len(rows["trial"]):
        return rows
    names = int(rows["name"].max()) + 1
    keys = study[rows["trial"]] * names + rows["name"]
    found = rows["distribution"]
    first = np.zeros(int(keys.max()) + 1, found.dtype)
    first[keys] = found
    if (first[keys] == found).all():
        return rows
    order = np.argsort(rows["line"], kind="stable")[::-1]
    first[keys[order]] = found[order]  # of several the earliest one is kept
    pairs = first[keys].astype(np.int64) * len(texts) + found
    distinct, inverse = np.unique(pairs, return_inverse=True)
    allowed = np.array(
        [_compatible(texts[pair // len(texts)], texts[pair % len(texts)]) for pair in distinct]
    )
    chosen = allowed[inverse] | rows["born"]
    return {name: values[chosen] for name, values in rows.items()}


def _compatible(first: str, other: str) -> bool:
    """Whether Optuna lets one hyperparameter have both distributions."""
    if first == other:
        return True
    one, two = json.loads(first), json.loads(other)
    if one["name"] != two["name"]:
        return False
    if one["name"] == "CategoricalDistribution":
        return bool(one["attributes"] == two["attributes"])
    return bool(one["attributes"].get("log") == two["attributes"].get("log"))


def _attributes(found: Operations, others: Others) -> tuple[_Table, list[str], list[Any]]:
    """Rows of line, trial, key and place, with the keys and values that they stand for."""
    numbers: dict[str, int] = {}
    keys = [numbers.setdefault(key, len(numbers)) for item in found.objects for key in item]
    values = [value for item in found.objects for value in item.values()]
    sizes = np.array([len(item) for item in found.objects], np.int64)
    place = found.attributes["place"]
    count = sizes[place]
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    place = np.repeat((np.cumsum(sizes) - sizes)[place], count) + within
    table = {
        "line": np.repeat(found.attributes["line"], count),
        "trial": np.repeat(found.attributes["trial"], count),
        "key": np.array(keys, np.int64)[place],
        "place": place,
    }
    further = []
    for line, trial, key, value in others.attributes:
        further.append((line, trial, numbers.setdefault(key, len(numbers)), len(values)))
        values.append(value)
    return _merged(table, further), list(numbers), values


def _of(kept: Ints, rows: _Table, *columns: str) -> _Table:
    """Those columns of the rows of the trials kept."""
    there = np.zeros(int(max(kept.max(initial=-1), rows["trial"].max(initial=-1))) + 1, np.bool_)
    there[kept] = True
    chosen = there[rows["trial"]]
    found = {"trial_id": rows["trial"] + 1, **{name: rows[name] for name in columns}}
    return found if chosen.all() else {name: cells[chosen] for name, cells in found.items()}


def _numbers(study: Ints) -> Ints:
    """The number of each trial within its study."""
    if not study.any():
        return np.arange(len(study))
    order = np.argsort(study, kind="stable")
    ordered = study[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    numbers = np.empty(len(study), np.int64)
    numbers[order] = np.arange(len(study)) - np.repeat(
        starts, np.diff(np.append(starts, len(study)))
    )
    return numbers


_FIRST_BYTES = 65_536


def is_journal(file: Path) -> bool:
    """Whether a file looks like a journal: its first line is an operation.

    A file of SQLite is left to SQLite. Where this process has it open already, opening and closing
    it here would release all of its locks on it (POSIX): the next process that closes the file
    would take itself for the last one and delete the log that this one goes on writing to.
    """
    if _is_of_sqlite(file):
        return False
    with file.open("rb") as stream:
        first = stream.readline(_FIRST_BYTES)
    return first.lstrip().startswith(b"{") and b'"op_code"' in first


def _is_of_sqlite(file: Path) -> bool:
    """Whether SQLite reads the file; an empty one is a database without tables."""
    uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"  # takes no lock
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.Error:
            return False
    return True


def journal_columns(file: Path) -> Columns:
    """What a journal holds.

    Raises:
        OSError: If the file cannot be read.
    """
    # Nothing of what is read refers to itself, and looking for that takes a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return replayed(read_operations(file), file)
    finally:
        if collecting:
            gc.enable()
