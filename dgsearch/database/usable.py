"""Whether a database can be written to: before anything in it changes, and while it is written.

SQLite goes on writing into a file that was deleted or replaced: everything would seem to be
recorded, and nothing would be there afterwards.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, inspect, select

from dgsearch.database.formats.journal import is_journal
from dgsearch.database.masking import masked
from dgsearch.database.tables import ALEMBIC_VERSION, OWN, VERSION_INFO
from dgsearch.errors import DatabaseError

_NEXT = "Name a new database; this one is unchanged and can be read, exported and reported"


def check_usable(engine: Engine, shown: str) -> None:
    """Refuse to write where the installed Optuna could not, or another program's tables are.

    Args:
        engine: Of the database; nothing is written.
        shown: Its URL without a password.

    Raises:
        DatabaseError: If it is of another schema than that of the installed Optuna,
            or an SQLite file of another program.
    """
    from optuna.storages._rdb import models

    tables = inspect(engine)
    found = set(tables.get_table_names())
    expected = {table.name: table for table in models.BaseModel.metadata.sorted_tables}
    foreign = found - {*expected, *OWN.tables, ALEMBIC_VERSION.name}
    if engine.dialect.name == "sqlite" and foreign and not found & {*expected}:
        raise DatabaseError(
            f"database {shown}: is a file of another program (table {min(foreign)!r}); "
            "name a new database"
        )
    for name in sorted(found & {*expected}):
        columns = {str(column["name"]) for column in tables.get_columns(name)}
        wanted = set(expected[name].columns.keys())
        if columns != wanted:
            odd = sorted(columns ^ wanted)[0]
            raise DatabaseError(
                f"database {shown}: {_writer(engine, found)} wrote it, and the installed Optuna "
                f"cannot write there ({name}.{odd}). {_NEXT}"
            )
    _check_revision(engine, found, shown)


def check_no_journal(url: URL, shown: str) -> None:
    """Refuse to write to a journal.

    Raises:
        DatabaseError: If the file is one.
    """
    file = Path(url.database or "")
    if url.get_backend_name() == "sqlite" and file.is_file() and is_journal(file):
        raise DatabaseError(f"database {shown}: is a journal, which dgsearch only reads. {_NEXT}")


def _check_revision(engine: Engine, found: set[str], shown: str) -> None:
    """Refuse a revision that the installed Optuna does not write; none: it is being created."""
    if ALEMBIC_VERSION.name not in found:
        return
    with engine.connect() as connection:
        revision = connection.scalar(select(ALEMBIC_VERSION.c.version_num))
    if revision is not None and revision != _head():
        raise DatabaseError(
            f"database {shown}: {_writer(engine, found)} wrote it with schema {revision}, and the "
            f"installed Optuna writes {_head()}. {_NEXT}"
        )


def _head() -> str:
    """The revision that the installed Optuna writes."""
    import optuna.storages._rdb
    from alembic.script import ScriptDirectory

    folder = Path(optuna.storages._rdb.__file__).parent / "alembic"
    return str(ScriptDirectory(str(folder)).get_current_head())


def _writer(engine: Engine, found: set[str]) -> str:
    if VERSION_INFO.name not in found:
        return "another version of Optuna"
    with engine.connect() as connection:
        version = connection.scalar(select(VERSION_INFO.c.library_version))
    return f"Optuna {version or 'of another version'}, or Rustuna,"


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
