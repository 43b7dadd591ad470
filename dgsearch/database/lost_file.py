"""Noticing that the file of an SQLite database is deleted or replaced while it is written.

SQLite goes on writing into a file that has no name any more: everything would seem to be
recorded, and nothing would be there afterwards.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from dgsearch.database.masking import masked
from dgsearch.errors import DatabaseError

__all__ = ["watch_file"]


def watch_file(engine: Engine, file: Path) -> None:
    """From now on refuse every transaction once the file is not the one that was opened.

    What was recorded is then saved beside it as far as it can be; the transaction raises a
    `DatabaseError` that says so.

    Args:
        engine: Of the database, which has been opened.
        file: Its file.
    """
    opened = _identity(file)
    lost: list[str] = []  # what to say, once it is known

    def check(connection: Connection) -> None:
        if lost or (found := _identity(file)) != opened:
            if not lost:
                what = "deleted" if found is None else "replaced"
                lost.append(_message(engine, file, what, _saved(connection, file)))
            raise DatabaseError(lost[0])

    event.listen(engine, "begin", check)


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file has the name now; None: no file."""
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _saved(connection: Connection, file: Path) -> Path | None:
    """A copy of what the open connection still sees; None if it sees no study."""
    driver: Any = connection.connection.dbapi_connection
    names = (f"{file.name}.saved{number or ''}" for number in itertools.count())
    target = next(place for name in names if not (place := file.with_name(name)).exists())
    try:
        driver.execute("SELECT 1 FROM studies LIMIT 1").fetchone()
        with closing(sqlite3.connect(target)) as copy:
            driver.backup(copy)
    except sqlite3.Error:  # the folder has gone too, or the connection is to the new file
        return None
    return target


def _message(engine: Engine, file: Path, what: str, saved: Path | None) -> str:
    where = f"database {masked(engine.url)}: its file was {what} while the study ran"
    if saved is None:
        return f"{where}; restore it, then run the same command again"
    return (
        f"{where}; what was recorded is saved as {saved}. Move it to {file.name} (and delete "
        f"{file.name}-wal and {file.name}-shm), then run the same command again"
    )
