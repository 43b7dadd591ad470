"""Which trials of a study violate its constraints, as Optuna decides it.

A trial stores its constraints among its system attributes: a list under `constraints` (up to
Optuna 4), or one number each under `constraints:NAME`. It is feasible if none is above 0, so
also without any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import select

from dgsearch.database.formats.columns import Columns
from dgsearch.database.formats.copies import columns_of
from dgsearch.database.snapshot import Database, snapshot
from dgsearch.database.tables import TRIAL_SYSTEM_ATTRIBUTES, TRIALS

_KEY = "constraints"
_SET_SYSTEM_ATTRIBUTE, _CREATE_TRIAL = 9, 4  # operations of a journal


def read_infeasible(database: Database, study: str) -> frozenset[int]:
    """Numbers of the trials that violate a constraint.

    Args:
        database: URL, path or engine.
        study: Its name.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study.
    """
    with snapshot(database) as opened:
        (study_id,) = opened.studies(study)
        engine = opened.connection.engine
        columns = columns_of(engine)
        if columns is not None:
            return _of_journal(columns, study_id, Path(str(engine.url.database)))
        if not sqlalchemy.inspect(opened.connection).has_table(TRIAL_SYSTEM_ATTRIBUTES.name):
            return frozenset()
        key = TRIAL_SYSTEM_ATTRIBUTES.c.key
        query = (
            select(TRIALS.c.number, key, TRIAL_SYSTEM_ATTRIBUTES.c.value_json)
            .join(TRIALS, TRIALS.c.trial_id == TRIAL_SYSTEM_ATTRIBUTES.c.trial_id)
            .where(TRIALS.c.study_id == study_id, key.startswith(_KEY))
        )
        rows = opened.connection.execute(query).all()
    violated: set[int] = set()
    for number, name, text in rows:
        if _is_violated(str(name), text):
            violated.add(int(number))
    return frozenset(violated)


def _is_violated(name: str, text: str) -> bool:
    try:
        return _violates({name: json.loads(text)})
    except ValueError:
        return False  # no numbers that could be compared; Optuna cannot read the trial either


def _violates(attributes: Mapping[str, Any]) -> bool:
    """Whether one of the constraints among system attributes is above 0, or no number."""
    listed = attributes.get(_KEY) or []
    values = [value for name, value in attributes.items() if name.startswith(f"{_KEY}:")]
    values += listed if isinstance(listed, list) else []
    return any(not (isinstance(value, int | float) and value <= 0) for value in values)


def _of_journal(columns: Columns, study_id: int, file: Path) -> frozenset[int]:
    """Of a journal, whose frames leave system attributes out."""
    trials = columns.trials
    rows = zip(trials["trial_id"].tolist(), trials["study_id"], trials["number"], strict=True)
    numbers = {row: int(number) for row, owner, number in rows if owner == study_id}
    violated = {row for row, attributes in _journal_attributes(file) if _violates(attributes)}
    return frozenset(numbers[row] for row in violated if row in numbers)


def _journal_attributes(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Row of a trial, counted from 1, and system attributes that were set together."""
    created = 0
    with file.open("rb") as lines:
        for line in lines:
            creates = line.startswith(b'{"op_code":4') or line.startswith(b'{"op_code": 4')
            created += creates
            if b'"constraints' not in line or not line.endswith(b"\n"):
                continue
            try:
                operation = json.loads(line)
            except ValueError:
                continue  # said by the reader of the journal
            if not isinstance(operation, dict):
                continue
            if operation.get("op_code") == _SET_SYSTEM_ATTRIBUTE:
                found, row = operation.get("system_attr"), operation.get("trial_id")
                if isinstance(found, dict) and isinstance(row, int):
                    yield row + 1, found
            elif operation.get("op_code") == _CREATE_TRIAL:
                found = operation.get("system_attrs")
                if isinstance(found, dict):
                    yield created, found
