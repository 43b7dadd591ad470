"""Bringing dgsearch's own tables to the schema of this version, with alembic's operations.

The schema has a number of its own in `dgsearch_info`, beside Optuna's `alembic_version`, which
stays Optuna's. An SQLite file is copied before it is changed. Everything happens in one
transaction where the database allows that (SQLite and PostgreSQL do, MySQL does not).

| schema | dgsearch | what is new |
| --- | --- | --- |
| 2 | 0.1.0 | the first that left this house |
| 3 | 0.2.0 | provenance of each trial; halving decisions; proposals of a search |
| 4 | 0.3.0 | processes of drivers; per-image correctness |
| 5 | 0.3.0 | proposals that were judged |
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Connection, Engine, inspect, select, update

from dgsearch.database.orphans import unguard_ids
from dgsearch.database.read_only import check_own_version
from dgsearch.database.tables import OWN, OWN_INFO, OWN_TRIALS, SCHEMA_VERSION
from dgsearch.database.views import VIEWS, create_views
from dgsearch.errors import DatabaseError

logger = logging.getLogger(__name__)


def migrate(engine: Engine, shown: str) -> Path | None:
    """Bring dgsearch's tables to this version's schema; nothing where they have it.

    Args:
        engine: Of a database whose tables dgsearch has signed.
        shown: Its URL without a password, for messages.

    Returns:
        The copy that was made of an SQLite file; None where nothing was changed or copied.

    Raises:
        DatabaseError: If the schema is newer than this version's, or too old.
    """
    found = _version(engine)
    _check_known(found, shown)
    if found == SCHEMA_VERSION:
        return None
    copy = _backup(engine, found)
    with _exclusive(engine) as connection:
        if connection.scalar(select(OWN_INFO.c.schema_version)) == SCHEMA_VERSION:
            return copy  # another process was faster
        _add_what_is_missing(connection)
        connection.execute(update(OWN_INFO).values(schema_version=SCHEMA_VERSION))
    create_views(engine)
    kept = f"; the file as it was is kept as {copy}" if copy else ""
    logger.warning(
        "database %s: migrated from schema %s to %s%s", shown, found, SCHEMA_VERSION, kept
    )
    return copy


def _check_known(version: int, shown: str) -> None:
    """Refuse to write tables of a schema that this version does not know.

    Raises:
        DatabaseError: If it is newer than this version's, or older than any that was released.
    """
    if version > SCHEMA_VERSION:
        raise DatabaseError(
            f"database {shown}: its dgsearch tables have schema {version}, this dgsearch writes "
            f"{SCHEMA_VERSION}; upgrade dgsearch, or name another --database"
        )
    check_own_version(version, shown)


def _version(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(select(OWN_INFO.c.schema_version)) or 0)


def _backup(engine: Engine, version: int) -> Path | None:
    """A copy of an SQLite file beside it, under a name that is not taken."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    file = Path(name).absolute()
    copy = file.with_name(f"{file.name}.schema-{version}.backup")
    number = 1
    while copy.exists():
        number += 1
        copy = file.with_name(f"{file.name}.schema-{version}.backup-{number}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    """One transaction that no other migration runs beside."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"LOCK TABLE {OWN_INFO.name} IN EXCLUSIVE MODE")
            yield connection
        return
    # The driver of SQLite begins no transaction before a change of tables, so this does.
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def _add_what_is_missing(connection: Connection) -> None:
    """Create the tables, columns and indexes that are new; each new column may be NULL."""
    operations = Operations(MigrationContext.configure(connection))
    for view in VIEWS:
        operations.execute(f"DROP VIEW IF EXISTS {view}")
    found = inspect(connection)
    there = set(found.get_table_names())
    for table in OWN.sorted_tables:
        if table.name not in there:
            table.create(connection)
            continue
        columns = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                operations.add_column(table.name, Column(column.name, column.type))
    if connection.dialect.name == "sqlite":
        unguard_ids(connection)  # they are made again, for the new tables too
    else:  # integers of SQLite are as wide as they need be
        operations.alter_column(OWN_TRIALS.name, "seed", type_=BigInteger, existing_nullable=False)
