"""Tables of other versions: Optuna 0.9 to 3.1, and Rustuna, as the rows of today's schema.

What a database lacks is told by its columns, not by the revision that it names, as some databases
name none or a wrong one. Optuna before 2.4 kept the value of a trial in `trials`, the direction
in `studies` and reports in `trial_values`; before 1.3 the number of a trial was an attribute.
Rustuna adds `trials.discarded_at`, leaves `alembic_version` empty and stores times in UTC.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, inspect, literal_column, select

from dgsearch.database.formats.columns import Rows
from dgsearch.database.rows import typed
from dgsearch.database.tables import (
    ALEMBIC_VERSION,
    INTERMEDIATE_VALUES,
    OPTUNA,
    PARAMS,
    STUDIES,
    STUDY_DIRECTIONS,
    STUDY_SYSTEM_ATTRIBUTES,
    TRIAL_SYSTEM_ATTRIBUTES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
    VALUES,
    VERSION_INFO,
)

logger = logging.getLogger(__name__)

_DISCARDED = "discarded_at"
_AS_TODAY = ("v3.0.0.d", "v3.2.0.a")  # revisions whose columns are those of today
_UTC_VERSION = "5.0.0"  # of Optuna, which stores times in UTC


def is_of_other_schema(connection: Connection) -> bool:
    """Whether the queries cannot read a database as it is."""
    tables = inspect(connection)
    if tables.has_table(ALEMBIC_VERSION.name):
        revision = connection.scalar(select(ALEMBIC_VERSION.c.version_num))
        trials = {column["name"] for column in tables.get_columns(TRIALS.name)}
        if revision in _AS_TODAY and _DISCARDED not in trials:
            return False
    found = _columns(connection)
    lacking = any(
        not set(table.columns.keys()) <= found.get(table.name, set())
        for table in OPTUNA.sorted_tables
    )
    return lacking or _by_rustuna(connection, found)


def older_rows(connection: Connection, place: str) -> Rows:
    """Everything in the database that a frame can show, in today's schema.

    Args:
        connection: To the database; nothing is written.
        place: What it is called in messages.
    """
    stored = _Stored(connection)
    trials, discarded = stored.trials()
    if discarded:
        logger.warning(
            "%s: trials that Rustuna discarded and that are left out: %d", place, discarded
        )
    return {
        VERSION_INFO: [(12, stored.version())],
        STUDIES: stored.all("studies", "study_id", "study_name"),
        STUDY_DIRECTIONS: stored.directions(),
        STUDY_SYSTEM_ATTRIBUTES: stored.all(
            "study_system_attributes", "study_id", "key", "value_json"
        ),
        TRIALS: trials,
        PARAMS: stored.all(
            "trial_params",
            "param_id",
            "trial_id",
            "param_name",
            "param_value",
            "distribution_json",
        ),
        VALUES: stored.values(),
        INTERMEDIATE_VALUES: stored.reports(),
        TRIAL_SYSTEM_ATTRIBUTES: stored.all(
            "trial_system_attributes", "trial_id", "key", "value_json"
        ),
        TRIAL_USER_ATTRIBUTES: [
            (None, *row)
            for row in stored.all("trial_user_attributes", "trial_id", "key", "value_json")
        ],
    }


class _Stored:
    """The rows of a database of another schema."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found = _columns(connection)

    def all(self, table: str, *names: str) -> list[Sequence[Any]]:
        """Columns of every row of a table; NULL for a column that it lacks, nothing without it.

        Enumerations are texts, and times are as the driver gives them.
        """
        if table not in self._found:
            return []
        columns: list[ColumnElement[Any]] = [
            sqlalchemy.column(name) if name in self._found[table] else literal_column("NULL")
            for name in names
        ]
        query = select(*columns).select_from(sqlalchemy.table(table))
        return [tuple(row) for row in self._connection.execute(query)]

    def version(self) -> str:
        """The version that tells in which zone times are."""
        if _by_rustuna(self._connection, self._found):
            return _UTC_VERSION
        rows = self.all("version_info", "library_version")
        return str(rows[0][0]) if rows else "0"

    def directions(self) -> list[Sequence[Any]]:
        """Study, objective and direction; of each study where its version kept them."""
        rows = self.all("study_directions", "study_id", "objective", "direction")
        known = {row[0] for row in rows}
        older = self.all("studies", "study_id", "direction")
        return [*rows, *((key, 0, found) for key, found in older if found and key not in known)]

    def trials(self) -> tuple[list[Sequence[Any]], int]:
        """The rows of trials, and how many Rustuna discarded."""
        numbers = {
            trial_id: int(json.loads(text))
            for trial_id, key, text in self.all(
                "trial_system_attributes", "trial_id", "key", "value_json"
            )
            if key == "_number"
        }
        before: Counter[int] = Counter()
        trials: list[Sequence[Any]] = []
        discarded = 0
        names = ("trial_id", "number", "study_id", "state")
        times = ("datetime_start", "datetime_complete", _DISCARDED)
        for row in sorted(self.all("trials", *names, *times), key=lambda row: row[0]):
            trial_id, number, study_id, state, started_at, finished_at, gone = row
            if number is None:
                number = numbers.get(trial_id, before[study_id])
            before[study_id] += 1
            discarded += gone is not None
            if gone is None:
                moments = (_text(started_at), _text(finished_at))
                trials.append((trial_id, number, study_id, state, *moments))
        return trials, discarded

    def values(self) -> list[Sequence[Any]]:
        """The rows of values."""
        if "objective" in self._found.get("trial_values", ()):
            rows = self.all("trial_values", "trial_id", "objective", "value", "value_type")
        else:
            rows = [
                (key, 0, value, None) for key, value in self.all("trials", "trial_id", "value")
            ]
        return [
            (None, trial_id, objective, *_typed(value, kind))
            for trial_id, objective, value, kind in rows
            if value is not None or kind is not None
        ]

    def reports(self) -> list[Sequence[Any]]:
        """The rows of reports; a number that is missing was not a number."""
        names = ("trial_id", "step", "intermediate_value", "intermediate_value_type")
        rows = self.all("trial_intermediate_values", *names)
        if "step" in self._found.get("trial_values", ()):
            older = self.all("trial_values", "trial_id", "step", "value")
            rows = [*rows, *((*row, None) for row in older)]
        return [
            (None, trial_id, step, *_typed(value, kind)) for trial_id, step, value, kind in rows
        ]


def _columns(connection: Connection) -> dict[str, set[str]]:
    tables = inspect(connection)
    return {
        name: {str(column["name"]) for column in tables.get_columns(name)}
        for name in tables.get_table_names()
    }


def _by_rustuna(connection: Connection, found: dict[str, set[str]]) -> bool:
    """Whether Rustuna created a database: Optuna's has a revision as soon as it has trials."""
    if _DISCARDED in found.get("trials", ()):
        return True
    if ALEMBIC_VERSION.name not in found:
        return False
    return connection.scalar(select(ALEMBIC_VERSION.c.version_num)) is None


def _typed(value: float | None, kind: str | None) -> tuple[float | None, str]:
    if kind is not None:
        return value, kind
    return typed(math.nan if value is None else value)


def _text(moment: Any) -> str | None:
    """A time as SQLite holds it; its own driver gives texts, those of servers datetimes."""
    if moment is None or isinstance(moment, str):
        return moment
    return str(moment.strftime("%Y-%m-%d %H:%M:%S.%f"))
