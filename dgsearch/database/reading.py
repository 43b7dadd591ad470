"""What every query shares: studies by name, frames from SQL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Engine, inspect, select

from dgsearch.database.tables import OWN_TRIALS, STUDIES
from dgsearch.errors import DatabaseError, one_of

__all__ = ["Database", "Studies", "frame_of", "has_own_tables", "named", "study_ids"]

Database = str | os.PathLike[str] | Engine | None
Studies = str | Sequence[str] | None


def study_ids(engine: Engine, study: Studies) -> dict[int, str]:
    """Id and name of each study asked for."""
    known = frame_of(engine, select(STUDIES.c.study_id, STUDIES.c.study_name))
    names = dict(zip(known["study_id"].astype(int), known["study_name"], strict=True))
    if study is None:
        return names
    wanted = [study] if isinstance(study, str) else list(study)
    for name in wanted:
        if name not in names.values():
            raise DatabaseError(
                f"study {name!r} is not in it; {one_of(name, list(names.values()))}"
            )
    return {study_id: name for study_id, name in names.items() if name in wanted}


def named(frame: pd.DataFrame, ids: dict[int, str], kinds: dict[str, str]) -> pd.DataFrame:
    """The frame with the study's name in front instead of its id, and its dtypes."""
    frame.insert(0, "study", frame.pop("study_id").map(ids).astype("string"))
    return frame.astype(kinds)


def frame_of(engine: Engine, query: Any) -> pd.DataFrame:
    """The rows of a query."""
    with engine.connect() as connection:
        frame: pd.DataFrame = pd.read_sql_query(query, connection)
    return frame


def has_own_tables(engine: Engine) -> bool:
    """Whether dgsearch ever wrote to the database."""
    return inspect(engine).has_table(OWN_TRIALS.name)
