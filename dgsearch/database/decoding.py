"""From Optuna's storage forms to numbers, categories and UTC times."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Engine, select

from dgsearch.database.tables import VERSION_INFO

__all__ = ["decode_params", "decode_times", "decode_values", "typed_columns"]

_UTC_SINCE = 5  # Optuna wrote naive local times before this version, naive UTC from it on


def decode_values(values: pd.Series[Any], kinds: pd.Series[Any]) -> pd.Series[float]:
    """Numbers from a value column and its type column.

    Args:
        values: Floats, missing where the number is infinite, NaN or absent.
        kinds: FINITE, INF_POS, INF_NEG, NAN, or missing where there is no value.
    """
    numbers = values.astype("float64")
    numbers = numbers.mask(kinds == "INF_POS", np.inf)
    return numbers.mask(kinds == "INF_NEG", -np.inf)


def decode_params(rows: pd.DataFrame) -> pd.DataFrame:
    """One column a hyperparameter from rows of trial_id, name, value and distribution.

    Returns:
        Indexed by trial_id; float, nullable integer or object (choices) columns, in the order
        in which the names first appear.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for name, part in rows.groupby("param_name", sort=False):
        pieces = [
            _decode(piece.set_index("trial_id")["param_value"], str(distribution))
            for distribution, piece in part.groupby("distribution_json", sort=False)
        ]
        columns[str(name)] = pieces[0] if len(pieces) == 1 else pd.concat(pieces)
    return pd.DataFrame(columns)


def decode_times(engine: Engine, frame: pd.DataFrame) -> None:
    """Turn `started_at` and `finished_at` into UTC times, in place."""
    with engine.connect() as connection:
        version = connection.scalar(select(VERSION_INFO.c.library_version)) or "0"
    stored_in_utc = int(version.split(".")[0]) >= _UTC_SINCE
    for name in ("started_at", "finished_at"):
        times = pd.to_datetime(frame[name])
        frame[name] = times.dt.tz_localize("UTC") if stored_in_utc else _local_to_utc(times)


def typed_columns(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of values as a frame of float64, Int64 and string columns, missing where absent."""
    frame = pd.DataFrame(rows, dtype=object)
    return frame.astype({name: _column_type(frame[name].dropna()) for name in frame.columns})


def _column_type(values: pd.Series[Any]) -> str:
    kinds = {type(value) for value in values}
    if kinds <= {int}:
        return "Int64"
    return "float64" if kinds <= {int, float} else "string"


def _local_to_utc(times: pd.Series[Any]) -> pd.Series[Any]:
    """Naive times of this machine's zone in UTC."""
    zone = dt.datetime.now().astimezone().tzinfo
    utc: pd.Series[Any] = times.dt.tz_localize(zone).dt.tz_convert("UTC")
    return utc


def _decode(values: pd.Series[Any], distribution: str) -> pd.Series[Any]:
    """Values of one distribution: a choice is stored as its index, all else as a float."""
    described = json.loads(distribution)
    attributes = described["attributes"]
    if described["name"] == "CategoricalDistribution":
        choices = np.array(attributes["choices"], dtype=object)
        return pd.Series(choices[values.astype(int)], index=values.index, dtype=object)
    if described["name"].startswith("Int"):
        return values.astype("int64").astype("Int64")
    return values.astype("float64")
