"""Engines that only read: SQLite files opened read-only, and schemas that can be read."""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, select
from sqlalchemy.pool import NullPool

from dgsearch.database.tables import (
    OLDEST_SCHEMA,
    OWN_INFO,
    SCHEMA_VERSION,
    STUDIES,
)
from dgsearch.errors import DatabaseError, NoDatabaseError

logger = logging.getLogger(__name__)

_BUSY_S = 60
_WARNED: set[tuple[str, int]] = set()  # databases and schemas that were warned of


def reading_engine(url: URL, shown: str) -> Engine:
    """An engine whose connections are closed after use and, for SQLite files, cannot write.

    Args:
        url: Of the database.
        shown: The same without a password, for messages.

    Raises:
        DatabaseError: If an SQLite file does not exist.
    """
    file = sqlite_file(url)
    if file is None:
        in_memory = url.drivername.startswith("sqlite")
        return create_engine(url) if in_memory else create_engine(url, poolclass=NullPool)
    if not file.exists():
        raise NoDatabaseError(
            f"database {shown}: there is no file {url.database}; run a study first, or "
            "name another with --database"
        )
    return create_engine(url, poolclass=NullPool, creator=lambda: _connect(file))


def sqlite_file(url: URL) -> Path | None:
    """The file of a database that is one; None for memory, URIs of SQLite and servers."""
    name = url.database or ":memory:"
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        return None
    return None if name == ":memory:" or name.startswith("file:") else Path(name).absolute()


def check_readable(connection: Connection, shown: str) -> None:
    """Refuse what is no study database, or one whose own tables no released dgsearch wrote.

    Raises:
        DatabaseError: If it holds no studies, or its own tables cannot be read.
    """
    tables = inspect(connection)
    if not tables.has_table(STUDIES.name):
        raise DatabaseError(
            f"database {shown}: holds no studies; it is not a study database, or no "
            "study was started in it"
        )
    if tables.has_table(OWN_INFO.name):
        check_own_version(connection.scalar(select(OWN_INFO.c.schema_version)), shown)


def check_own_version(version: int | None, shown: str) -> None:
    """Warn of own tables that are newer than this version, refuse those that are too old.

    Args:
        version: Of dgsearch's own tables; None: not signed yet.
        shown: The database's URL without a password.

    Raises:
        DatabaseError: If no released dgsearch wrote them.
    """
    if version is None or OLDEST_SCHEMA <= version <= SCHEMA_VERSION:
        return
    if version < OLDEST_SCHEMA:
        raise DatabaseError(
            f"database {shown}: its dgsearch tables have schema {version}, which was never "
            f"released; this dgsearch reads {OLDEST_SCHEMA} to {SCHEMA_VERSION}. "
            "Name another --database"
        )
    if (shown, version) not in _WARNED:
        _WARNED.add((shown, version))
        logger.warning(
            "database %s: a newer dgsearch wrote it (schema %s, this one knows %s); what this one "
            "does not know is left out. Upgrade dgsearch to see it",
            shown,
            version,
            SCHEMA_VERSION,
        )


def _connect(file: Path) -> sqlite3.Connection:
    """A connection that cannot write.

    A file with a write-ahead log cannot be opened in a folder where nothing may be created,
    unless its writer left the log's files there. Without a log it is complete by itself and
    nobody writes it, so it is then read as a file that does not change.

    Raises:
        sqlite3.OperationalError: If it cannot be opened.
    """
    try:
        return _opened(f"{file.as_uri()}?mode=ro")
    except sqlite3.OperationalError as error:
        log = file.with_name(f"{file.name}-wal")
        if os.access(file.parent, os.W_OK) or not os.access(file, os.R_OK):
            raise
        if log.exists() and log.stat().st_size > 0:
            raise sqlite3.OperationalError(
                f"{error}: its folder is read-only and {log.name} holds what its writer has not "
                "moved into the file; copy both to a folder where you may write"
            ) from error
        return _opened(f"{file.as_uri()}?mode=ro&immutable=1")


def _opened(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
