"""Opening a study database, for writing through Optuna or for reading alone.

A database is named by a URL or by the path of an SQLite file. Passwords never appear in a
message. SQLite is used with a write-ahead log, so that readers and one writer do not wait
for each other, and with a time-out long enough for several writers.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool, QueuePool

from dgsearch.database.broken_rows import UNREADABLE, check_rows
from dgsearch.database.formats.copies import copy_of
from dgsearch.database.formats.journal import is_journal, journal_columns
from dgsearch.database.formats.older import is_of_other_schema, older_rows
from dgsearch.database.masking import hidden, masked, unescaped
from dgsearch.database.orphans import guard_ids
from dgsearch.database.read_only import check_readable, reading_engine, sqlite_file
from dgsearch.database.rows import MYSQL
from dgsearch.database.tables import OWN, OWN_INFO, SCHEMA_VERSION
from dgsearch.database.usable import check_no_journal, check_usable, watch_file
from dgsearch.database.views import create_views
from dgsearch.database.writing import insert_new
from dgsearch.errors import DatabaseError, NoDatabaseError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

DEFAULT_URL = "sqlite:///dgsearch.db"
_BUSY_S = 60
_CREATION_ATTEMPTS = 10
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*://")
_NEXT = "give a path, or a URL such as sqlite:///dgsearch.db"


def database_url(database: str | os.PathLike[str] | None = None) -> URL:
    """The URL of a database given as a URL, a path, or not at all.

    Without one it is `$DGSEARCH_DATABASE`, and `sqlite:///dgsearch.db` where that is not set.
    A text is a URL if it begins with a scheme and `://`. All else is the path of a file,
    whatever characters are in it; so is every `os.PathLike`.

    Raises:
        DatabaseError: If it is empty, or a text that looks like a URL and is none.
    """
    if database is None:
        database = os.environ.get("DGSEARCH_DATABASE", DEFAULT_URL)
    text = os.fsdecode(database)
    if not text:
        raise DatabaseError(f"database = '': is empty; {_NEXT}")
    if isinstance(database, os.PathLike) or not _SCHEME.match(text):
        named = f"./{text}" if text.startswith(("file:", ":memory:")) else text
        return URL.create("sqlite", database=named)
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(f"database {masked(text)}: is not a URL; {_NEXT}") from error


def open_for_writing(database: str | os.PathLike[str] | None = None) -> RDBStorage:
    """Optuna's storage for the database, with dgsearch's tables created.

    Raises:
        DatabaseError: If it cannot be opened, is no database or is of another schema.
    """
    from optuna.storages import RDBStorage

    url = database_url(database)
    with readable(url):
        if not _is_signed(url):
            _create(url)
        try:
            storage = RDBStorage(
                _plain(url), engine_kwargs=_engine_arguments(url), skip_table_creation=True
            )
        except RuntimeError as error:  # tables of another Optuna
            raise DatabaseError(_unopened(url, error)) from error
        storage.engine.url = url  # before SQLAlchemy 2.1 a text of it loses what follows a ?
        if storage.engine.dialect.name == "sqlite":
            _tune_sqlite(storage.engine)
        _sign_schema(storage.engine)
        guard_ids(storage.engine)
        if (file := sqlite_file(url)) is not None:
            watch_file(storage.engine, file)
    return storage


def _is_signed(url: URL) -> bool:
    """Whether all tables are there: their version is written after them.

    Raises:
        DatabaseError: If it is that of another dgsearch, or the database cannot be written to;
            nothing in it has changed then.
    """
    check_no_journal(url, masked(url))
    engine = create_engine(url, **{**_engine_arguments(url), "poolclass": NullPool})
    version = None
    if inspect(engine).has_table(OWN_INFO.name):
        with engine.connect() as connection:
            version = connection.scalar(select(OWN_INFO.c.schema_version))
    if version is None:
        check_usable(engine, masked(url))
    if version is not None:
        from dgsearch.database.migrations import migrate  # alembic takes long to import

        migrate(engine, masked(url))
    return version is not None


def _create(url: URL) -> None:
    """Create the tables that are not there, also while other processes do the same."""
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage

    unpooled = {**_engine_arguments(url), "poolclass": NullPool}  # a collision leaves none open
    for patience in reversed(range(_CREATION_ATTEMPTS)):
        began = time.monotonic()
        try:
            engine = RDBStorage(_plain(url), engine_kwargs=dict(unpooled)).engine
            OWN.create_all(engine)
            create_views(engine)
            return
        except (StorageInternalError, RuntimeError, SQLAlchemyError) as error:
            waited = time.monotonic() - began >= _BUSY_S
            if not patience or waited or not _collided(error):
                raise DatabaseError(_unopened(url, error)) from error
            time.sleep(0.2)


def _collided(error: BaseException) -> bool:
    """Whether another process created the same table or row, or wrote, in the same moment."""
    text = f"{error} {error.__cause__}".lower()
    from_database = isinstance(error, DBAPIError) or isinstance(error.__cause__, DBAPIError)
    return from_database and any(told in text for told in ("already exists", "unique", "locked"))


def open_for_reading(database: str | os.PathLike[str] | Engine | None = None) -> Engine:
    """An engine that reads the database and neither creates nor changes it.

    Its connections are closed after use, so that nothing has to be disposed of. A journal, and
    tables of another schema, are read into a private copy in memory.

    Raises:
        DatabaseError: If there is none, or it cannot be opened, or is of another schema.
    """
    if isinstance(database, Engine):
        return database
    url = database_url(database)
    with readable(url):
        engine = reading_engine(url, masked(url))
        file = sqlite_file(url)
        if file is not None and is_journal(file):
            return copy_of(url, file, lambda: journal_columns(file))
        with engine.connect() as connection:
            check_readable(connection, masked(url))
            if not is_of_other_schema(connection):
                return engine
            return copy_of(url, file, lambda: older_rows(connection, masked(url)))


def open_if_there(database: str | os.PathLike[str] | Engine | None = None) -> Engine | None:
    """`open_for_reading`; None where there is no database yet.

    Raises:
        DatabaseError: If there is one that cannot be opened, or is of another schema.
    """
    try:
        return open_for_reading(database)
    except NoDatabaseError:
        return None


def failed_reading(engine: Engine, error: BaseException) -> DatabaseError:
    """What to say when an open database cannot be read."""
    return DatabaseError(_unopened(engine.url, error))


@contextmanager
def readable(url: URL) -> Iterator[None]:
    """Turn what the database driver raises into a `DatabaseError` that names the database."""
    if (remedy := unescaped(url)) is not None:
        raise DatabaseError(f"database {masked(url)}: {remedy}")
    if (file := sqlite_file(url)) is not None and file.is_dir():
        raise DatabaseError(f"database {masked(url)}: is a folder; name the file in it")
    try:
        yield
    except NoSuchModuleError as error:
        kind = url.drivername
        message = f"database {masked(url)}: {kind!r} is no kind of database known here"
        raise DatabaseError(
            f"{message}; use sqlite, postgresql+psycopg or mysql+pymysql. "
            f"A file of that name is ./{_plain(url)}"
        ) from error
    except (ArgumentError, ValueError) as error:
        _name_broken_rows(url, error)
        raise DatabaseError(f"database {masked(url)}: cannot be used: {error}; {_NEXT}") from error
    except ImportError as error:
        raise DatabaseError(
            f"database {masked(url)}: its driver is not installed ({error}); {_driver_of(url)}"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseError(_unopened(url, error)) from error
    except UNREADABLE as error:
        _name_broken_rows(url, error)
        raise


@contextmanager
def answering(url: URL) -> Iterator[None]:
    """Turn what an open database answers wrongly into a `DatabaseError`; nothing else.

    Rows that cannot be read are named.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise DatabaseError(_unopened(url, error)) from error
    except UNREADABLE as error:
        _name_broken_rows(url, error)
        raise


def _name_broken_rows(url: URL, error: Exception) -> None:
    """Say which rows cannot be read, where that may be why something failed."""
    try:
        engine = reading_engine(url, masked(url))
    except (DatabaseError, SQLAlchemyError, ValueError):  # there is none that could be read
        return
    check_rows(engine, error)


def _driver_of(url: URL) -> str:
    """What to install for a kind of database."""
    backend = url.get_backend_name()
    if backend == "postgresql":
        return "pip install 'dgsearch[postgres]' and write postgresql+psycopg://"
    if backend in MYSQL:
        return f"pip install 'dgsearch[mysql]' and write {backend}+pymysql://"
    return f"install a driver of SQLAlchemy for {backend}"


def _unopened(url: URL, error: BaseException) -> str:
    """A message of one line, with the driver's own reason and without a password."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    reason = str(cause.orig) if isinstance(cause, DBAPIError) else str(cause)
    line = hidden(" ".join(reason.split()), url)
    return f"database {masked(url)}: cannot be used: {line}; check its place, and that it has room"


def _engine_arguments(url: URL) -> dict[str, Any]:
    backend = url.get_backend_name()
    name = url.database
    if backend == "sqlite" and name and name != ":memory:" and not url.query:
        return {"creator": lambda: _connected(name), "poolclass": QueuePool}
    if backend == "sqlite":
        return {"connect_args": {"timeout": _BUSY_S}}
    return {"pool_pre_ping": True}


def _connected(file: str) -> sqlite3.Connection:
    """A connection to exactly that file; in a URL `?` and `%` would mean something else."""
    return sqlite3.connect(file, timeout=_BUSY_S, check_same_thread=False)


def _plain(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _tune_sqlite(engine: Engine) -> None:
    """Write-ahead log; a commit survives the death of the process, not always a power cut."""

    def set_pragmas(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    event.listen(engine, "connect", set_pragmas)
    engine.dispose()
    _write_ahead(engine)


def _write_ahead(engine: Engine) -> None:
    """Switch to the write-ahead log; SQLite does not wait by itself for others that write."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def _sign_schema(engine: Engine) -> None:
    """Write the version of dgsearch's tables where it is not written yet."""
    with engine.connect() as connection:
        signed = connection.scalar(select(OWN_INFO.c.schema_version)) is not None
    if not signed:
        row = {"info_id": 1, "schema_version": SCHEMA_VERSION}
        with engine.begin() as connection:
            insert_new(connection, OWN_INFO, [row])
