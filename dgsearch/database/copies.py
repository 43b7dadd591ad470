"""Private copies: what is stored in another form, as a database in memory that queries can read.

Journals, tables of old versions of Optuna and those of Rustuna are read whole into a database of
today's schema in this process's memory. The original is read and never changed. A copy is kept
until its original changes or another takes its place, so that one report reads it once.
"""

from __future__ import annotations

import itertools
import sqlite3
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, insert
from sqlalchemy.pool import NullPool

from dgsearch.database.tables import ALEMBIC_VERSION, OPTUNA
from dgsearch.database.zones import chosen_zone

__all__ = ["Rows", "copy_of", "filled"]

Rows = Mapping[Table, Sequence[Sequence[Any]]]  # tuples in the order of the table's columns

_NEWEST = "v3.2.0.a"  # schema of Optuna 3.2 to 5.0
_KEPT = 2
_numbers = itertools.count()
_copies: dict[tuple[Any, ...], Engine] = {}


def copy_of(url: URL, file: Path | None, make: Callable[[], Rows]) -> Engine:
    """An engine that reads a copy of a database.

    Args:
        url: What messages name.
        file: The original, if it is one file: the copy is used again while that does not change.
        make: Reads the original.
    """
    key = (url, chosen_zone(), *_state(file)) if file is not None else (url, next(_numbers))
    if key not in _copies:
        while len(_copies) >= _KEPT:
            del _copies[next(iter(_copies))]
        _copies[key] = filled(url, make())
    return _copies[key]


def filled(url: URL, rows: Rows) -> Engine:
    """An engine that reads a database in memory with these rows, which lives as long as it."""
    place = f"file:dgsearch-copy-{next(_numbers)}?mode=memory&cache=shared"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(place, uri=True, check_same_thread=False)

    named = url if url.drivername.startswith("sqlite") else URL.create("sqlite")
    engine = create_engine(named, creator=connect, poolclass=NullPool)
    keeper = connect()
    with engine.begin() as connection:
        OPTUNA.create_all(connection)
        connection.execute(insert(ALEMBIC_VERSION).values(version_num=_NEWEST))
        for table, found in rows.items():
            _insert(connection, table, found)
    # The last connection to such a database takes it along, so one stays open with the engine.
    weakref.finalize(engine, keeper.close)
    return engine


def _insert(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Straight into the driver: a fifth of the time that statements of SQLAlchemy take."""
    places = ", ".join("?" * len(table.columns))
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({places})'
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().executemany(statement, rows)


def _state(file: Path) -> tuple[Any, ...]:
    """What changes when a file is written to."""
    found = file.stat()
    log = file.with_name(f"{file.name}-wal")
    logged = log.stat().st_mtime_ns if log.exists() else 0
    return (found.st_ino, found.st_size, found.st_mtime_ns, logged)
