"""Naming the rows that cannot be read: JSON, times, numbers and texts that something broke.

Reading checks no row, so that it stays fast. Only when it has failed, every row is looked at, and
what is found is named with its table, its key, its column and what may stand there. Values of a
configuration may also be JSON and yet not those of its method: analyses take it for granted that
it has each hyperparameter that its study varies, with a value that this may have.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Integer,
    LargeBinary,
    Table,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from dgsearch.database.identity import SUPERSEDED
from dgsearch.database.masking import masked
from dgsearch.database.tables import OPTUNA, OWN, OWN_CONFIGURATIONS, OWN_STUDIES
from dgsearch.errors import DatabaseError, shorten
from dgsearch.space import Choice, Space

_NAMED = 6  # hyperparameters in a message


class WrongValues(NamedTuple):
    """A configuration whose values cannot be its method's.

    Attributes:
        key: Its study's id and its own.
        found: Its values as stored.
        allowed: What may stand there.
    """

    key: Mapping[str, Any]
    found: str
    allowed: str


def wrong_values(connection: Connection) -> Iterator[WrongValues]:
    """Every configuration that counts and whose values are not its method's.

    Those of studies whose own facts cannot be read, and values that are no JSON object, are left
    to who looks at each value alone.
    """
    studies = select(OWN_STUDIES.c.study_id, OWN_STUDIES.c.spec_json, OWN_STUDIES.c.facts_json)
    for study_id, spec_text, facts_text in connection.execute(studies).all():
        spec, facts = _object(spec_text) or {}, _object(facts_text) or {}
        varied = _object_of(_object_of(spec, "design"), "vary")
        for method, described in _object_of(facts, "spaces").items():
            try:
                space = Space.model_validate(described)
            except ValidationError:
                continue
            needed = [name for name in space.names if name in varied]
            yield from _of_method(connection, study_id, str(method), space, needed)


def _of_method(
    connection: Connection, study_id: int, method: str, space: Space, needed: Sequence[str]
) -> Iterator[WrongValues]:
    own = OWN_CONFIGURATIONS.c
    rows = select(own.config_id, own.values_json).where(
        own.study_id == study_id, own.method == method, own.role != SUPERSEDED
    )
    for config_id, stored in connection.execute(rows):
        if (values := _object(stored)) is None:
            continue
        lacking = [name for name in needed if name not in values]
        wrong = [name for name, value in values.items() if not _fits(space, name, value)]
        if lacking or wrong:
            names = ", ".join(space.names[:_NAMED]) + ", ..." * (len(space) > _NAMED)
            key = {"study_id": study_id, "config_id": config_id}
            told = [f"no {name}" for name in lacking]
            told += [f"{name} not {space[name].allowed}" for name in wrong]
            allowed = f"a value for each hyperparameter of {method} ({names})"
            yield WrongValues(key, stored, f"{allowed}; here: {', '.join(told[:_NAMED])}")


def _fits(space: Space, name: str, value: Any) -> bool:
    """Whether a value is of the kind that a hyperparameter has; its bounds may have moved."""
    if name not in space:
        return True
    if isinstance(space[name], Choice):
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(text: Any) -> Mapping[str, Any] | None:
    """A JSON object; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _object_of(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


# what reading raises at a value that nothing of Optuna's or ours wrote
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)

_SHOWN = 10
_Kinds = tuple[type, ...]
_ANY: _Kinds = (object,)
_OBJECT: _Kinds = (dict,)
_LIST: _Kinds = (list,)
_JSON: Mapping[str, _Kinds] = {
    "study_system_attributes.value_json": _ANY,
    "trial_user_attributes.value_json": _ANY,
    "trial_params.distribution_json": _OBJECT,
    "dgsearch_studies.spec_json": _OBJECT,
    "dgsearch_studies.facts_json": _OBJECT,
    "dgsearch_configurations.values_json": _OBJECT,
    "dgsearch_trial_facts.stages_json": _LIST,
    "dgsearch_provenances.content_json": _OBJECT,
    "dgsearch_samples.content_json": _OBJECT,
}
_KIND = {_ANY: "JSON, for example null", _OBJECT: "a JSON object", _LIST: "a JSON list"}
_KEYS: Mapping[str, frozenset[str]] = {  # of an object, or of each object in a list
    "trial_params.distribution_json": frozenset({"name", "attributes"}),
    "dgsearch_studies.spec_json": frozenset({"method", "data", "hyperparameters", "design"}),
    "dgsearch_trial_facts.stages_json": frozenset({"stage", "taken"}),
}
_VERSION = "version_info.library_version"
_MAY_BE_NULL = ("dgsearch_trial_facts.stages_json", "dgsearch_samples.content_json")


@dataclass(frozen=True)
class _Broken:
    """A value that cannot be read.

    Attributes:
        table: Where it is.
        key: Columns that identify its row, and their values.
        column: Its column.
        found: The value.
        allowed: What may stand there.
    """

    table: str
    key: Mapping[str, Any]
    column: str
    found: Any
    allowed: str


@contextmanager
def naming_broken_rows(engine: Engine) -> Iterator[None]:
    """Turn what reading raises at broken rows into an error that names them.

    Any other error comes through as it is.

    Args:
        engine: Of the database that is read.

    Raises:
        DatabaseError: If reading failed and the database has rows that cannot be read.
    """
    try:
        yield
    except UNREADABLE as error:
        check_rows(engine, error)
        raise


def check_rows(engine: Engine, error: Exception) -> None:
    """Look at every row of a database after reading it has failed.

    Args:
        engine: Of the database.
        error: With which it failed.

    Raises:
        DatabaseError: If there are rows that cannot be read; names the first of them.
    """
    try:
        with engine.connect() as connection, _any_text(connection):
            found = list(_broken(connection))
            lines = [f"  {_line(connection, broken)}" for broken in found[:_SHOWN]]
    except SQLAlchemyError:  # the database itself cannot be read, which `error` tells
        return
    if not found:
        return
    rows = "1 value cannot" if len(found) == 1 else f"{len(found)} values cannot"
    more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    raise DatabaseError(
        "\n".join(
            [
                f"database {masked(engine.url)}: {rows} be read; restore a backup, or write what "
                "is allowed there:",
                *lines,
                *more,
            ]
        )
    ) from error


def _broken(connection: Connection) -> Iterator[_Broken]:
    """Everything that cannot be read, table by table."""
    found = inspect(connection)
    there = set(found.get_table_names())
    for table in (*OPTUNA.sorted_tables, *OWN.sorted_tables):
        if table.name in there:
            columns = {column["name"] for column in found.get_columns(table.name)}
            for column in (column for column in table.columns if column.name in columns):
                yield from _broken_in(connection, table, column)
    if OWN_CONFIGURATIONS.name in there:
        for wrong in wrong_values(connection):
            name = OWN_CONFIGURATIONS.name
            yield _Broken(name, wrong.key, "values_json", wrong.found, wrong.allowed)


def _broken_in(connection: Connection, table: Table, column: Column[Any]) -> Iterator[_Broken]:
    """Values of one column that cannot be read. A server lets no wrong type into a column."""
    place = f"{table.name}.{column.name}"
    loose = connection.dialect.name == "sqlite"
    if (kinds := _JSON.get(place)) is not None:
        keys = f" with {', '.join(sorted(_KEYS[place]))}" if place in _KEYS else ""
        allowed = _KIND[kinds] + keys + (", or NULL" if place in _MAY_BE_NULL else "")
        yield from _unlike(connection, table, column, allowed, _json_of(place, kinds))
    elif place == _VERSION:
        yield from _unlike(connection, table, column, "a version such as 5.0.0", _is_version)
    elif loose and isinstance(column.type, DateTime):
        allowed = "a time such as 2026-01-31 12:00:00.000000, or NULL"
        yield from _unlike(connection, table, column, allowed, _is_time)
    elif loose and isinstance(column.type, Integer | Float):
        sure = ("'integer'",) if isinstance(column.type, Integer) else ("'integer'", "'real'")
        wrong = f"typeof({column.name}) NOT IN ({', '.join(sure)}, 'null')"
        yield from _unlike(connection, table, column, "a number", lambda _: False, where=wrong)
    elif loose and isinstance(column.type, LargeBinary):
        wrong = f"typeof({column.name}) <> 'blob'"
        yield from _unlike(connection, table, column, "bytes", lambda _: False, where=wrong)
    elif loose:
        wrong = f"typeof({column.name}) = 'text'"
        yield from _unlike(connection, table, column, "text in UTF-8", _is_text, where=wrong)


def _unlike(
    connection: Connection,
    table: Table,
    column: Column[Any],
    allowed: str,
    is_right: Callable[[Any], bool],
    *,
    where: str = "",
) -> Iterator[_Broken]:
    names = _key_of(table)
    listed = ", ".join((*names, column.name))
    query = f"SELECT {listed} FROM {table.name}" + (f" WHERE {where}" if where else "")
    seen: dict[Any, bool] = {}  # distributions repeat
    for *key, value in connection.exec_driver_sql(query):
        if value not in seen:
            seen[value] = is_right(value)
        if not seen[value]:
            named = dict(zip(names, key, strict=True))
            yield _Broken(table.name, named, column.name, value, allowed)


def _key_of(table: Table) -> Sequence[str]:
    """Columns that tell the rows of a table apart."""
    primary = [column.name for column in table.primary_key]
    owner = [name for name in ("trial_id", "study_id") if name in table.columns]
    names = primary if primary else list(islice(table.columns.keys(), 2))
    return names if set(owner) & set(names) else [*names, *owner[:1]]


def _json_of(place: str, kinds: _Kinds) -> Callable[[Any], bool]:
    def is_right(value: Any) -> bool:
        if value is None:
            return place in _MAY_BE_NULL
        try:
            found = json.loads(value)
        except (ValueError, TypeError, RecursionError):
            return False
        objects = found if isinstance(found, list) else [found]
        lacking = any(not _has(one, _KEYS[place]) for one in objects) if place in _KEYS else False
        return isinstance(found, kinds) and _is_text(value) and not lacking

    return is_right


def _has(found: Any, keys: frozenset[str]) -> bool:
    return isinstance(found, dict) and keys <= found.keys()


def _is_time(value: Any) -> bool:
    """Whether a time of SQLite can be read; it holds them as texts."""
    if value is None:
        return True
    try:
        np.datetime64(value, "us")
    except ValueError:
        return False
    return isinstance(value, str)


def _is_version(value: Any) -> bool:
    return value is None or str(value).partition(".")[0].isdecimal()


def _is_text(value: Any) -> bool:
    try:
        str(value).encode("utf-8")
    except UnicodeEncodeError:  # bytes that `_any_text` let through
        return False
    return True


@contextmanager
def _any_text(connection: Connection) -> Iterator[None]:
    """Let SQLite's driver give texts that are no UTF-8, to be named."""
    driver = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    before = driver.text_factory
    driver.text_factory = lambda found: found.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before


def _line(connection: Connection, broken: _Broken) -> str:
    """One value: where it is, what it is, and what may be there."""
    key = " and ".join(f"{name} = {value!r}" for name, value in broken.key.items())
    found = "NULL" if broken.found is None else shorten(repr(broken.found))
    owner = _owner(connection, broken.key)
    return (
        f"{broken.table}.{broken.column} where {key}{owner} = {found}; allowed: {broken.allowed}"
    )


def _owner(connection: Connection, key: Mapping[str, Any]) -> str:
    """Which trial or study a row belongs to, as a person knows it; empty where none is known."""
    trial, study = key.get("trial_id"), key.get("study_id")
    if trial is not None:
        query = (
            "SELECT number, study_name FROM trials JOIN studies USING (study_id) "
            "WHERE trial_id = :key"
        )
        for number, name in connection.execute(text(query), {"key": trial}):
            return f" (trial {number} of study {str(name)!r})"
    elif study is not None:
        query = "SELECT study_name FROM studies WHERE study_id = :key"
        for (name,) in connection.execute(text(query), {"key": study}):
            return f" (study {str(name)!r})"
    return ""
