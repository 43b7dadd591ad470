"""What every query shares: one snapshot of a database, rows as arrays, studies by name.

Rows travel from the driver's cursor straight into arrays: no row objects, no frame that is
taken apart again. That is what makes the frames fast and small.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Engine, Select, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from dgsearch.database.broken_rows import UNREADABLE, check_rows
from dgsearch.database.connection import failed_reading, open_for_reading
from dgsearch.database.masking import masked
from dgsearch.database.tables import OWN_TRIALS, STUDIES, VERSION_INFO
from dgsearch.errors import DatabaseError, one_of

Database = str | os.PathLike[str] | Engine | None
Studies = str | Sequence[str] | None
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

TIME = pa.timestamp("us")  # without a zone, as databases hold it
_UTC_SINCE = 5  # Optuna wrote naive local times before this version, naive UTC from it on
_ROWS_AT_ONCE = 500  # so few stay in the processor's cache: a quarter faster than 20,000
_EXTENSION_TYPES = {
    pa.string(): pd.StringDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


@dataclass(frozen=True)
class Snapshot:
    """A database as it is at one moment, inside one short read transaction.

    Attributes:
        connection: Open until the snapshot ends.
        own: Whether dgsearch ever wrote to the database.
        utc: Whether Optuna stored times in UTC; dgsearch always does.
        own_columns: Columns of `dgsearch_trial_facts` here; an older schema has fewer.
    """

    connection: Connection
    own: bool
    utc: bool
    own_columns: frozenset[str] = frozenset(OWN_TRIALS.c.keys())

    @property
    def place(self) -> str:
        """URL of the database, for messages; a password is hidden."""
        return masked(self.connection.engine.url)

    def cursor(self, query: Select[Any]) -> Any:
        """The driver's own cursor with the rows of a query: SQLite's times are texts."""
        return self.connection.execute(query).cursor

    def numbers(self, query: Select[Any]) -> Floats:
        """The rows of a query of numbers; NULL becomes NaN.

        Returns:
            (rows, columns). Whole numbers are exact up to 2^53.
        """
        rows = chain.from_iterable(self.cursor(query))
        return np.fromiter(rows, np.float64).reshape(-1, len(query.selected_columns))

    def table(self, query: Select[Any], types: Mapping[str, pa.DataType]) -> pa.Table:
        """The rows of a query as typed columns.

        Args:
            query: Selects the columns in the order of `types`.
            types: Type of each column; `TIME` for times.
        """
        cursor = self.cursor(query)
        schema = pa.schema(list(types.items()))
        batches = []
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            columns = zip(*rows, strict=True)
            arrays = [
                _array(column, kind) for column, kind in zip(columns, types.values(), strict=True)
            ]
            batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        return pa.Table.from_batches(batches, schema=schema)

    def studies(self, study: Studies) -> dict[int, str]:
        """Id and name of each study asked for, in order of creation.

        Raises:
            DatabaseError: If there is no study of such a name.
        """
        query = select(STUDIES.c.study_id, STUDIES.c.study_name).order_by(STUDIES.c.study_id)
        return chosen_studies(dict(iter(self.cursor(query))), study, self.place)


def chosen_studies(names: Mapping[int, str], study: Studies, place: str) -> dict[int, str]:
    """Those of the studies of a database that are asked for.

    Args:
        names: Name of each study, by id.
        study: One name, several, or None for all.
        place: What the database is called in messages.

    Raises:
        DatabaseError: If there is no study of such a name.
    """
    if study is None:
        return dict(names)
    wanted = {study} if isinstance(study, str) else set(study)
    for name in sorted(wanted - set(names.values())):
        raise DatabaseError(
            f"study {name!r} is not in {place}; {one_of(name, list(names.values()))}"
        )
    return {study_id: name for study_id, name in names.items() if name in wanted}


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A frame with nullable strings, integers and booleans; missing floats are NaN."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_EXTENSION_TYPES.get)
    return frame


def _array(column: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == TIME:
        return pa.array(np.array(column, dtype="datetime64[us]"))
    return pa.array(column, type=kind)


@contextmanager
def snapshot(database: Database) -> Iterator[Snapshot]:
    """Read a database in one transaction that sees nothing of what is written meanwhile.

    Raises:
        DatabaseError: If it cannot be opened or read; names rows that cannot.
    """
    engine = open_for_reading(database)
    errors = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error)
    try:
        with at_one_moment(engine) as connection:
            tables = inspect(connection)
            own = tables.has_table(OWN_TRIALS.name)
            columns = tables.get_columns(OWN_TRIALS.name) if own else []
            version = connection.scalar(select(VERSION_INFO.c.library_version)) or "0"
            utc = int(version.partition(".")[0]) >= _UTC_SINCE
            yield Snapshot(connection, own, utc, frozenset(column["name"] for column in columns))
    except errors as error:
        if "UTF-8" in str(error):  # said by SQLite's driver
            check_rows(engine, error)
        raise failed_reading(engine, error) from error
    except UNREADABLE as error:
        check_rows(engine, error)
        raise


@contextmanager
def at_one_moment(engine: Engine) -> Iterator[Connection]:
    """A transaction in which all statements see the same moment, and which only reads."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.begin()
            driver: Any = connection.connection.dbapi_connection
            if not driver.in_transaction:
                connection.exec_driver_sql("BEGIN")
        elif connection.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        yield connection


def frame_of(engine: Engine, query: Any) -> pd.DataFrame:
    """The rows of any query, with the types that pandas finds."""
    with engine.connect() as connection:
        frame: pd.DataFrame = pd.read_sql_query(query, connection)
    return frame


def has_own_tables(engine: Engine) -> bool:
    """Whether dgsearch ever wrote to the database."""
    return inspect(engine).has_table(OWN_TRIALS.name)
