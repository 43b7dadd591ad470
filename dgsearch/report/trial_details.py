"""What a page holds of each listed trial besides its row in the table: for `trials.js`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.report.study_data import StudyData
from dgsearch.report.view import StudyView
from dgsearch.report.words import PLAIN, Unit, given, records, short

_MOST_POINTS = 3_000  # of all curves of a page together
_LONGEST = 300  # characters of an error
_SHOWN = {
    "attempt": "attempt",
    "epochs": "epochs",
    "started_at": "started, UTC",
    "device": "device",
    "peak_memory_mb": "peak memory, MB",
}


def trial_details(view: StudyView, trials: pd.DataFrame) -> dict[str, Any]:
    """The configuration, seed, circumstances and curve of each trial of a study of our own.

    Args:
        view: The study.
        trials: Those that its table lists.

    Returns:
        axis: title of the values; trials by number: id (of the configuration), name, seed, facts
        (names and texts), curve (epochs and values in the unit of the page).
    """
    curves = _curves(view.data.curves, trials, view.unit)
    known = [name for name in _SHOWN if name in trials]
    columns = ["trial_number", "config_id", "seed", "error", *known]
    found = {
        str(row["trial_number"]): {
            "id": str(row["config_id"]),
            "name": (name := view.names.get(str(row["config_id"]), "")),
            "seed": int(row["seed"]) if given(row["seed"]) else None,
            "facts": [*_facts(row, name)],
            "curve": curves.get(row["trial_number"], []),
        }
        for row in records(trials[columns])
    }
    return {"axis": ["epoch", f"validation {view.unit.axis}"], "trials": found}


def foreign_details(data: StudyData, trials: pd.DataFrame, title: str) -> dict[str, Any]:
    """The same of a study that dgsearch did not write: its intermediate values."""
    curves = _curves(data.curves, trials, PLAIN)
    found = {
        str(number): {"id": str(number), "name": "", "seed": None, "curve": curves.get(number, [])}
        for number in trials["trial_number"].tolist()
    }
    return {"axis": ["step", title], "trials": found}


def _facts(row: Mapping[Any, Any], name: str) -> Iterator[list[str]]:
    if name:
        yield ["name of the configuration", name]
    for column, text in _SHOWN.items():
        if given(row.get(column)):
            value = row[column]
            is_time = isinstance(value, pd.Timestamp)
            yield [text, f"{value:%Y-%m-%d %H:%M:%S}" if is_time else short(value)]
    if given(row["error"]):
        yield ["error", str(row["error"]).strip().splitlines()[-1][:_LONGEST]]


def _curves(
    curves: pd.DataFrame, trials: pd.DataFrame, unit: Unit
) -> dict[int, list[list[float]]]:
    """Epochs and values by trial number; of very many points every so many-th."""
    own = curves[curves["trial_number"].isin(trials["trial_number"])]
    own = own[np.isfinite(own["value"].astype("float64"))]
    step = -(-len(own) // _MOST_POINTS)
    found: dict[int, list[list[float]]] = {}
    for number, part in own.groupby("trial_number", sort=False):
        rows = zip(part["epoch"].tolist(), part["value"].tolist(), strict=True)
        points = [[epoch, float(f"{value * unit.scale:.5g}")] for epoch, value in rows]
        found[int(str(number))] = points[::-1][:: max(step, 1)][::-1]  # the last one stays
    return found
