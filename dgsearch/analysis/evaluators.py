"""Hyperparameters of a study as PED-ANOVA and fANOVA take them.

Numbers of many values are ranges, logarithmic ones as declared. A number of few values, as in a
grid, is taken for even steps in its order: a list such as 0, 0.01, 0.1, 1 is one on purpose.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.fanova import Inputs
from dgsearch.analysis.ped_anova import Axis, range_axis
from dgsearch.analysis.permuting import Numbers

__all__ = ["fanova_inputs", "ped_axes"]

_MOST_STEPS = 12  # values of a number that are even steps; more are a range


def ped_axes(table: pd.DataFrame, logarithmic: Collection[str]) -> list[Axis]:
    """The axis of each hyperparameter.

    Args:
        table: One row a trial, one column a hyperparameter of two values or more.
        logarithmic: Those on a logarithmic scale.
    """
    axes = []
    for name in table.columns:
        if _is_range(table[name]):
            numbers = _scaled(table[name], log=name in logarithmic)
            axes.append(range_axis(numbers, float(numbers.min()), float(numbers.max())))
            continue
        places, size = _places(table[name])
        axes.append(Axis(places.astype(np.intp), size, ordered=_is_number(table[name])))
    return axes


def fanova_inputs(table: pd.DataFrame, logarithmic: Collection[str]) -> Inputs:
    """What a forest is fitted to.

    Args:
        table: One row a trial, one column a hyperparameter of two values or more.
        logarithmic: Those on a logarithmic scale.
    """
    columns: list[Numbers] = []
    bounds: list[tuple[float, float]] = []
    groups: list[list[int]] = []
    for name in table.columns:
        start = len(columns)
        if _is_range(table[name]):
            columns.append(_scaled(table[name], log=name in logarithmic))
            bounds.append((float(columns[-1].min()), float(columns[-1].max())))
        else:
            places, size = _places(table[name])
            if _is_number(table[name]):
                columns.append(places)
                bounds.append((-0.5, size - 0.5))
            else:
                columns += [(places == at).astype(np.float64) for at in range(size)]
                bounds += [(0.0, 1.0)] * size
        groups.append(list(range(start, len(columns))))
    return Inputs(np.column_stack(columns), np.array(bounds), groups)


def _is_number(values: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _is_range(values: pd.Series[Any]) -> bool:
    return _is_number(values) and values.nunique() > _MOST_STEPS


def _scaled(values: pd.Series[Any], *, log: bool) -> Numbers:
    """Numbers on their axis; one with a value of zero or less stays linear."""
    numbers = values.to_numpy(dtype=np.float64)
    return np.log10(numbers) if log and numbers.min() > 0 else numbers


def _places(values: pd.Series[Any]) -> tuple[Numbers, int]:
    """Place of each value among the different ones, in order, and how many these are."""
    known = values if _is_number(values) else values.astype(str)
    different, places = np.unique(known.to_numpy(), return_inverse=True)
    return places.astype(np.float64), len(different)
