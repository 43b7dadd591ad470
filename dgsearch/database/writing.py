"""Inserting rows that another process may insert in the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import mysql, postgresql, sqlite

__all__ = ["insert_new"]


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that violate no unique constraint; leave the others out."""
    statement: Any
    if connection.dialect.name == "sqlite":
        statement = sqlite.insert(table).on_conflict_do_nothing()
    elif connection.dialect.name == "postgresql":
        statement = postgresql.insert(table).on_conflict_do_nothing()
    elif connection.dialect.name in ("mysql", "mariadb"):
        statement = mysql.insert(table).prefix_with("IGNORE")
    else:
        statement = insert(table)
    connection.execute(statement, list(rows))
