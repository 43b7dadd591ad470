"""What every query shares: one snapshot of a database, rows as arrays, studies by name.

Numbers travel from the driver's cursor straight into one array of floats: no row objects, no
frame that is taken apart again. That is what makes the frames fast and small.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, Select, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from dgsearch.database.connection import failed_reading, open_for_reading
from dgsearch.database.tables import OWN_TRIALS, STUDIES, VERSION_INFO
from dgsearch.errors import DatabaseError, one_of

__all__ = ["Database", "Floats", "Ints", "Snapshot", "Studies", "snapshot"]

Database = str | os.PathLike[str] | Engine | None
Studies = str | Sequence[str] | None
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_UTC_SINCE = 5  # Optuna wrote naive local times before this version, naive UTC from it on


@dataclass(frozen=True)
class Snapshot:
    """A database as it is at one moment, inside one short read transaction.

    Attributes:
        connection: Open until the snapshot ends.
        own: Whether dgsearch ever wrote to the database.
        utc: Whether Optuna stored times in UTC; dgsearch always does.
    """

    connection: Connection
    own: bool
    utc: bool

    def rows(self, query: Select[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query as the driver gives them: SQLite's times are texts."""
        return list(self.cursor(query))

    def numbers(self, query: Select[Any]) -> Floats:
        """The rows of a query of numbers; NULL becomes NaN.

        Returns:
            (rows, columns). Whole numbers are exact up to 2^53.
        """
        return as_numbers(self.cursor(query), len(query.selected_columns))

    def cursor(self, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
        """The driver's own cursor with the rows of a query."""
        rows: Iterator[tuple[Any, ...]] = self.connection.execute(query).cursor
        return rows

    def studies(self, study: Studies) -> dict[int, str]:
        """Id and name of each study asked for, in order of creation.

        Raises:
            DatabaseError: If there is no study of such a name.
        """
        query = select(STUDIES.c.study_id, STUDIES.c.study_name).order_by(STUDIES.c.study_id)
        names: dict[int, str] = dict(self.rows(query))  # type: ignore[arg-type]
        if study is None:
            return names
        wanted = {study} if isinstance(study, str) else set(study)
        for name in sorted(wanted - set(names.values())):
            raise DatabaseError(
                f"study {name!r} is not in it; {one_of(name, list(names.values()))}"
            )
        return {study_id: name for study_id, name in names.items() if name in wanted}


def as_numbers(rows: Iterable[tuple[Any, ...]], columns: int) -> Floats:
    """Rows of numbers as one array, (rows, columns); None becomes NaN."""
    return np.fromiter(chain.from_iterable(rows), np.float64).reshape(-1, columns)


@contextmanager
def snapshot(database: Database) -> Iterator[Snapshot]:
    """Read a database in one transaction that sees nothing of what is written meanwhile.

    Raises:
        DatabaseError: If it cannot be opened or read.
    """
    engine = open_for_reading(database)
    errors = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error)
    try:
        with engine.connect() as connection:
            _begin(connection)
            own = inspect(connection).has_table(OWN_TRIALS.name)
            version = connection.scalar(select(VERSION_INFO.c.library_version)) or "0"
            utc = int(version.partition(".")[0]) >= _UTC_SINCE
            yield Snapshot(connection, own, utc)
    except errors as error:
        raise failed_reading(engine, error) from error


def _begin(connection: Connection) -> None:
    """Start a transaction in which all statements see the same moment, and which only reads."""
    if connection.dialect.name == "sqlite":
        connection.begin()
        if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("BEGIN")
    elif connection.dialect.name == "postgresql":
        connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
