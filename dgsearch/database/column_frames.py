"""Frames of what is held column by column, such as a journal, without a database between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from dgsearch.database.columns import Columns
from dgsearch.database.declared import METRIC_NAMES, objectives_of
from dgsearch.database.decoding import Piece, kind_of
from dgsearch.database.frames import ATTRIBUTE, FRAMES
from dgsearch.database.hyperparameters import joined, pieces_of
from dgsearch.database.snapshot import Floats, Ints, Studies, chosen_studies
from dgsearch.database.tables import STATES
from dgsearch.database.trial_rows import TrialRows, rows_of, set_durations, values_of_several

_TIMES = ("started_at", "finished_at")


def families_of(
    columns: Columns, study: Studies, place: str
) -> tuple[pd.DataFrame, dict[str, Mapping[str, Any]]]:
    """All trials of some studies: the columns whose names are fixed, and the families of others.

    Args:
        columns: What is held.
        study: Studies asked for.
        place: What the database is called in messages.

    Raises:
        DatabaseError: If there is no study of such a name.
    """
    everything = {found.study_id: found.name for found in columns.studies}
    names = chosen_studies(everything, study, place)
    chosen = np.isin(columns.trials["study_id"], list(names))
    rows, frame = _rows(columns, chosen, names)
    size = len(rows.ids)
    hyperparameters = joined(_params(columns, rows), size, columns=None, kinds=None)
    attributes = joined(_attributes(columns, rows), size, columns=None, kinds=None)
    families: dict[str, Mapping[str, Any]] = {
        "<hyperparameter>": hyperparameters,
        "value/<objective>": _objectives(columns, rows, names),
        "attribute/<key>": {name: attributes[name] for name in sorted(attributes)},
    }
    return frame, families


def _rows(
    columns: Columns, chosen: npt.NDArray[np.bool_], names: Mapping[int, str]
) -> tuple[TrialRows, pd.DataFrame]:
    """The trials by study and number."""
    found = {name: cells[chosen] for name, cells in columns.trials.items()}
    if (np.diff(found["study_id"]) < 0).any():
        order = np.argsort(found["study_id"], kind="stable")
        found = {name: cells[order] for name, cells in found.items()}
    ids = found["trial_id"]
    first = columns.values["objective"] == 0
    at = np.full(int(ids.max(initial=0)) + 1, np.nan)
    owner = columns.values["trial_id"][first]
    there = owner < len(at)
    at[owner[there]] = columns.values["value"][first][there]
    states = pa.array(found["state"].astype(np.int32))
    table = {
        "trial_id": ids,
        "study_id": found["study_id"],
        "trial_number": found["number"],
        "state": pa.DictionaryArray.from_arrays(states, pa.array(STATES)).dictionary_decode(),
        "value": at[ids],
        "infinite": np.zeros(len(ids), np.int64),
        "started_at": found["started"],
        "finished_at": found["finished"],
    }
    rows, frame = rows_of(pa.table(table), names)
    for name in _TIMES:
        frame[name] = frame[name].dt.tz_localize("UTC")
    set_durations(frame)
    return rows, frame[list(FRAMES["trials"].dtypes)]


def _params(columns: Columns, rows: TrialRows) -> Sequence[tuple[str, Piece]]:
    places, chosen = _places(columns.params["trial_id"], rows)
    found = {name: cells[chosen] for name, cells in columns.params.items()}
    named = (found["name"].astype(np.int64), columns.names)
    described = (found["distribution"].astype(np.int64), columns.distributions)
    return list(pieces_of(places, found["value"], named, described))


def _attributes(columns: Columns, rows: TrialRows) -> Sequence[tuple[str, Piece]]:
    places, chosen = _places(columns.attributes["trial_id"], rows)
    keys, at = columns.attributes["key"][chosen], columns.attributes["place"][chosen]
    objects = np.empty(len(columns.objects), dtype=object)
    objects[:] = columns.objects
    found = []
    for key in np.unique(keys):
        own = keys == key
        distinct = np.unique(at[own])
        piece = Piece(places[own], objects[at[own]], kind_of(objects[distinct]))
        found.append((f"{ATTRIBUTE}{columns.keys[key]}", piece))
    return found


def _objectives(columns: Columns, rows: TrialRows, names: Mapping[int, str]) -> dict[str, Floats]:
    of_several = {
        study.study_id: objectives_of(
            study.direction_names, [str(name) for name in study.attributes.get(METRIC_NAMES) or ()]
        )
        for study in columns.studies
        if study.study_id in names and len(study.directions) > 1
    }
    if not of_several:
        return {}
    found = columns.values
    at, chosen = _places(found["trial_id"], rows)
    places, values = found["objective"][chosen], found["value"][chosen]
    return values_of_several(of_several, rows, at, places, values)


def _places(trial_ids: Ints, rows: TrialRows) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Position of each trial among the rows, and which are among them."""
    of = np.full(int(max(trial_ids.max(initial=0), rows.ids.max(initial=0))) + 1, -1)
    of[rows.ids] = np.arange(len(rows.ids))
    places = of[trial_ids]
    chosen = places >= 0
    return places[chosen], chosen
