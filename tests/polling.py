"""How far a study is that another process runs, asked so that waiting for it costs little."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from dgsearch.database.connection import open_for_reading
from dgsearch.errors import DatabaseError

__all__ = ["trial_states"]

_STATES = sqlalchemy.text("SELECT state FROM trials ORDER BY study_id, number")


def trial_states(database: str | Path) -> list[str]:
    """The state of every trial, in order of their numbers; none while there is no database."""
    try:
        engine = open_for_reading(database)
        try:
            with engine.connect() as connection:
                return [str(state) for state in connection.scalars(_STATES)]
        finally:
            engine.dispose()
    except (DatabaseError, sqlalchemy.exc.DatabaseError):  # it is not there yet, or half of it
        return []
