"""Private copies: what is stored in another form, as a database in memory that queries can read.

Journals, tables of old versions of Optuna and those of Rustuna are read whole into a database of
today's schema in this process's memory. The original is read and never changed. A copy is kept
until its original changes or another takes its place, so that one report reads it once.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool, StaticPool

from dgsearch.database.formats.columns import Columns, Rows
from dgsearch.database.tables import ALEMBIC_VERSION, OPTUNA
from dgsearch.database.zones import chosen_zone

_NEWEST = "v3.2.0.a"  # schema of Optuna 3.2 to 5.0
_KEPT = 2
_numbers = itertools.count()
_copies: dict[tuple[Any, ...], Engine] = {}
_columns: weakref.WeakKeyDictionary[Engine, Columns] = weakref.WeakKeyDictionary()


def copy_of(url: URL, file: Path | None, make: Callable[[], Rows | Columns]) -> Engine:
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
        found = make()
        if isinstance(found, Columns):
            _copies[key] = _engine(url, found.rows)
            _columns[_copies[key]] = found
        else:
            rows = found
            _copies[key] = _engine(url, lambda: rows)
    return _copies[key]


def columns_of(engine: Engine) -> Columns | None:
    """What an engine reads as columns, where it is a copy that was made of them."""
    return _columns.get(engine)


def _engine(url: URL, rows: Callable[[], Rows]) -> Engine:
    """An engine that reads a database in memory, which lives as long as it.

    Args:
        url: What messages name.
        rows: The rows of the database, asked for when it is first needed.
    """
    place = f"file:dgsearch-copy-{next(_numbers)}?mode=memory&cache=shared"
    # The last connection to such a database takes it along, so one stays open with the engine.
    keepers: list[sqlite3.Connection] = []
    lock = threading.Lock()

    def connect() -> sqlite3.Connection:
        with lock:
            if not keepers:
                keepers.append(_opened(place))
                _fill(keepers[0], rows())
        return _opened(place)

    named = url if url.drivername.startswith("sqlite") else URL.create("sqlite")
    engine = create_engine(named, creator=connect, poolclass=NullPool)
    weakref.finalize(engine, _close, keepers)
    return engine


def _opened(place: str) -> sqlite3.Connection:
    return sqlite3.connect(place, uri=True, check_same_thread=False)


def _close(keepers: list[sqlite3.Connection]) -> None:
    for keeper in keepers:
        keeper.close()


def _fill(keeper: sqlite3.Connection, rows: Rows) -> None:
    """Create the tables and fill them, straight in the driver: five times as fast."""
    with create_engine("sqlite://", creator=lambda: keeper, poolclass=StaticPool).begin() as open:
        OPTUNA.create_all(open)
    for table, found in {**rows, ALEMBIC_VERSION: [(_NEWEST,)]}.items():
        places = ", ".join("?" * len(table.columns))
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({places})'
        keeper.executemany(statement, found)
    keeper.commit()


def _state(file: Path) -> tuple[Any, ...]:
    """What changes when a file is written to."""
    found = file.stat()
    log = file.with_name(f"{file.name}-wal")
    logged = log.stat().st_mtime_ns if log.exists() else 0
    return (found.st_ino, found.st_size, found.st_mtime_ns, logged)
