"""From what databases store to typed columns: infinities, hyperparameters, JSON, times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import ColumnElement, Integer, case, literal

from dgsearch.database.snapshot import Floats, Ints
from dgsearch.database.zones import as_utc

_WHOLE = 2**63
_MISSING = type(None)


@dataclass(frozen=True)
class Piece:
    """Values of one kind for some rows of a column.

    Attributes:
        rows: Their positions.
        values: One value a row: float64, int64, or objects, of which None is missing.
        kind: dtype of a column of such values; empty if all are missing.
    """

    rows: Ints
    values: npt.NDArray[Any]
    kind: str


def kind_of(values: Iterable[Any]) -> str:
    """The dtype of a column of plain values: float64, Int64, boolean, string, or object.

    None is missing in every kind; numbers of both kinds are float64. Empty if all are missing.
    """
    values = list(values)
    if set(map(type, values)) == {float}:
        return "float64"
    kinds = {_kind(value) for value in values} - {""}
    return common_kind(kinds) if kinds else ""


def common_kind(kinds: Iterable[str]) -> str:
    """The dtype of a column that has pieces of these kinds."""
    found = set(kinds) - {""}
    if found == {"Int64", "float64"}:
        return "float64"
    return found.pop() if len(found) == 1 else "object"


def column_of(pieces: Sequence[Piece], size: int, kind: str) -> Any:
    """One column from its pieces, missing where there is none.

    Args:
        pieces: For different rows.
        size: Number of rows.
        kind: Its dtype. In a column of objects <NA> is what is missing, None a value.
    """
    if kind == "float64":
        numbers = np.full(size, np.nan)
        for piece in pieces:
            numbers[piece.rows] = piece.values.astype(np.float64)
        return numbers
    if kind == "Int64":
        return _whole_numbers(pieces, size)
    objects = np.full(size, pd.NA, dtype=object)
    for piece in pieces:
        objects[piece.rows] = piece.values
    column = pd.Series(objects, dtype=kind)
    # An array of objects would be taken for texts where it holds nothing else.
    return column if kind == "object" else column.array


def decode_param(rows: Ints, stored: Floats, distribution: str) -> Piece:
    """Hyperparameters of one distribution: a choice is stored as its index, all else as a float.

    Args:
        rows: Positions of the trials.
        stored: One number a trial.
        distribution: Optuna's description, JSON.
    """
    described = json.loads(distribution)
    if described["name"] == "CategoricalDistribution":
        choices = described["attributes"]["choices"]
        values = np.empty(len(choices), dtype=object)
        values[:] = choices
        return Piece(rows, values[stored.astype(np.int64)], _kind_of_choices(choices))
    if described["name"].startswith("Int"):
        if len(stored) and np.abs(stored).max() >= _WHOLE:
            return Piece(rows, np.array([int(number) for number in stored], object), "object")
        return Piece(rows, stored.astype(np.int64), "Int64")
    return Piece(rows, stored, "float64")


def signs(kind: ColumnElement[Any]) -> ColumnElement[int]:
    """The type column of a value as a number: 1 and -1 for the infinities, 0 for all else."""
    return case(
        (kind == "INF_POS", literal(1, Integer)),
        (kind == "INF_NEG", literal(-1, Integer)),
        else_=0,
    )


def with_infinities(numbers: Floats, infinite: Floats) -> Floats:
    """Numbers with the infinities that `signs` tells of."""
    return np.where(infinite > 0, np.inf, np.where(infinite < 0, -np.inf, numbers))


def local_to_utc(times: pd.Series[Any]) -> pd.Series[Any]:
    """Naive times in UTC, of the zone that was chosen; of an hour that came twice the first."""
    moments = times.dropna().drop_duplicates()
    zone = {moment: as_utc(moment.to_pydatetime()) for moment in moments}
    converted: pd.Series[Any] = pd.to_datetime(times.map(zone), utc=True).dt.as_unit("us")
    return converted


def _whole_numbers(pieces: Sequence[Piece], size: int) -> pd.arrays.IntegerArray:
    whole, missing = np.zeros(size, np.int64), np.ones(size, np.bool_)
    for piece in pieces:
        absent = pd.isna(piece.values)
        missing[piece.rows] = absent
        whole[piece.rows] = np.where(absent, 0, piece.values).astype(np.int64)
    return pd.arrays.IntegerArray(whole, missing)


def _kind_of_choices(choices: Sequence[Any]) -> str:
    """The dtype in which each choice stays what it is, and differs from "has none".

    None and NaN among the choices, or whole numbers beside others, need a column of objects.
    """
    kinds = {_kind(choice) for choice in choices}
    unlike = "" in kinds or len(kinds) > 1
    return "object" if unlike or any(choice != choice for choice in choices) else kind_of(choices)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "Int64" if -_WHOLE <= value < _WHOLE else "object"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, str):
        return "string" if value.isascii() or _encodable(value) else "object"
    return "" if isinstance(value, _MISSING) else "object"


def _encodable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which no file format can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
