"""Writing and reading that stand what others do: repeated rows, a database that is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError as DamagedError  # itself, and not what inherits from it
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from dgsearch.database.masking import hidden, masked
from dgsearch.database.rows import MYSQL
from dgsearch.errors import DatabaseError, shorten

PATIENCE_S = 60.0  # how long a database may be away
_PAUSE_S = 1.0
_READ_ONLY = "25006"  # SQLSTATE of PostgreSQL

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that violate no unique constraint; leave the others out."""
    if rows:
        connection.execute(_insert_new(connection.dialect.name, table), list(rows))


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    """The statement of `insert_new`, built once: building one takes longer than executing it."""
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # takes a while to import, as mysql does

        return postgresql.insert(table).on_conflict_do_nothing()
    if dialect in MYSQL:
        from sqlalchemy.dialects import mysql

        return mysql.insert(table).prefix_with("IGNORE")
    return insert(table)


def persistently(
    engine: Engine, work: Callable[[Connection], Result], *, patience_s: float = PATIENCE_S
) -> Result:
    """Do something in one transaction, again and again while the database is away.

    A server that takes no writes for a while, as in a failover, counts as away.

    Args:
        engine: Of the database.
        work: What to do; done anew, from its beginning, after a lost connection.
        patience_s: How long to wait for a database that does not answer.

    Raises:
        DatabaseError: If it stayed away for so long, or is damaged.
    """

    def once() -> Result:
        with engine.begin() as connection:
            return work(connection)

    return read_persistently(engine, once, patience_s=patience_s)


def read_persistently(
    engine: Engine, read: Callable[[], Result], *, patience_s: float = PATIENCE_S
) -> Result:
    """Read something, again and again while the database is away.

    Args:
        engine: Of the database.
        read: Reads it, with connections of its own; called anew after a lost one.
        patience_s: How long to wait for a database that does not answer.

    Raises:
        DatabaseError: If it stayed away for so long.
    """
    deadline = time.monotonic() + patience_s
    told = False
    while True:
        try:
            return read()
        except (DBAPIError, DatabaseError) as failed:
            if (error := _of_driver(engine, failed)) is None:
                raise
            if type(error) is DamagedError:
                raise DatabaseError(_damaged(engine, error)) from error
            read_only = _is_read_only(error)
            if not (read_only or isinstance(error, OperationalError | InterfaceError)):
                raise
            if time.monotonic() >= deadline:
                raise DatabaseError(_away(engine, error, patience_s)) from error
            if not told:
                silent = f"does not answer ({shorten(_reason(engine, error))})"
                state = "is read-only" if read_only else silent
                logger.warning("the database %s; waiting for it", state)
                told = True
            if read_only:
                engine.dispose()  # its successor has another place; open connections stay here
            time.sleep(_PAUSE_S)


def _of_driver(engine: Engine, failed: Exception) -> DBAPIError | None:
    """What the database's driver raised; None where that is not why something failed."""
    error = failed.__cause__ if isinstance(failed, DatabaseError) else failed
    driver = engine.dialect.loaded_dbapi
    if isinstance(error, (driver.OperationalError, driver.InterfaceError)):  # by a plain cursor
        return OperationalError("", {}, error)
    return error if isinstance(error, DBAPIError) else None


def _is_read_only(error: DBAPIError) -> bool:
    """Whether a server takes no writes at present."""
    return getattr(error.orig, "sqlstate", None) == _READ_ONLY


def study_deleted(engine: Engine) -> DatabaseError:
    """What to say when the study that is run is not in the database any more."""
    return DatabaseError(
        f"database {masked(engine.url)}: the study was deleted or renamed while it ran; what it "
        "had there went with it, and the run stops. To start from scratch, run the command again"
    )


def _reason(engine: Engine, error: DBAPIError) -> str:
    """What the driver says, on one line and without the password."""
    return hidden(" ".join(str(error.orig).split()), engine.url)


def _damaged(engine: Engine, error: DBAPIError) -> str:
    return (
        f"database {masked(engine.url)}: cannot be read any more ({_reason(engine, error)}); no "
        "trial is blamed for it. Put a copy of the file in its place, or start with a new one, "
        "then run the same command again"
    )


def _away(engine: Engine, error: DBAPIError, patience_s: float) -> str:
    state = "read-only" if _is_read_only(error) else "no answer"
    return (
        f"database {masked(engine.url)}: {state} for {patience_s:.0f} s "
        f"({_reason(engine, error)}); what was "
        "recorded is kept: run the same command again when it is back"
    )
