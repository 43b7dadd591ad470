"""The frame of trials, put together from its parts; in one piece or in chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from dgsearch.database.accuracies import (
    accuracy_domains,
    measured_domains,
    metric_columns,
    read_accuracies,
    read_metrics,
)
from dgsearch.database.connection import open_for_reading
from dgsearch.database.declared import METRIC_NAMES, objectives_of
from dgsearch.database.decoding import Piece, kind_of
from dgsearch.database.filters import Conditions, TrialFilter, chosen_columns, trial_blocks
from dgsearch.database.formats.columns import Columns
from dgsearch.database.formats.copies import columns_of
from dgsearch.database.frames import (
    ACCURACY,
    ATTRIBUTE,
    FRAMES,
    METRIC,
    VALUE,
    hyperparameter_columns,
)
from dgsearch.database.hyperparameters import (
    attribute_kinds,
    hyperparameter_kinds,
    joined,
    pieces_of,
    read_attributes,
    read_hyperparameters,
)
from dgsearch.database.masking import masked
from dgsearch.database.snapshot import (
    Database,
    Floats,
    Ints,
    Snapshot,
    Studies,
    chosen_studies,
    snapshot,
)
from dgsearch.database.tables import STATES
from dgsearch.database.trial_rows import (
    TrialRows,
    objective_values,
    read_trial_rows,
    rows_of,
    set_durations,
    values_of_several,
)
from dgsearch.errors import DatabaseError, one_of

_HYPERPARAMETER = "<hyperparameter>"


@dataclass(frozen=True)
class TrialRequest:
    """What is asked for.

    Attributes:
        study: Studies.
        trials: Which of their trials.
        columns: Columns, in order; None: all.
        domains: Domains whose accuracy gets a column; None: all.
    """

    study: Studies
    trials: TrialFilter
    columns: Sequence[str] | None
    domains: Collection[str] | None


@dataclass(frozen=True)
class _Layout:
    """The columns that depend on what is stored, by family, with their dtypes.

    None: whatever is found among the trials that are read, or a family not asked for.
    """

    hyperparameters: Mapping[str, str] | None = None
    attributes: Mapping[str, str] | None = None
    domains: Sequence[str] | None = None
    metrics: Sequence[str] | None = None


def trials_frame(database: Database, request: TrialRequest) -> pd.DataFrame:
    """All trials asked for, as one frame; its columns do not depend on the filters.

    Of trials asked for by number the columns are those that some of them have.
    """
    engine = open_for_reading(database)
    whole = columns_of(engine)
    if whole is not None and request.trials == TrialFilter():
        found, families = families_of(whole, request.study, masked(engine.url))
        frame = _in_order(found, families)
        if all(name in frame for name in request.columns or ()):
            return chosen_columns(frame, request.columns)
    with snapshot(engine) as opened:
        names = opened.studies(request.study)
        _check_domains(opened, request)
        conditions = request.trials.conditions(opened, names)
        layout = _Layout()
        if request.trials != TrialFilter(numbers=request.trials.numbers):
            layout = _layout(opened, names, request.columns)
        frame = _read(opened, conditions, names, request, layout)
        _check_columns(opened, frame, names, request)
    return chosen_columns(frame, request.columns)


def trials_in_chunks(
    database: Database, request: TrialRequest, chunksize: int
) -> Iterator[pd.DataFrame]:
    """The same in frames of so many trials, all with the same columns and dtypes."""
    database = open_for_reading(database)
    with snapshot(database) as opened:
        names = opened.studies(request.study)
        _check_domains(opened, request)
        conditions = request.trials.conditions(opened, names)
        layout = _layout(opened, names, request.columns)
        blocks = trial_blocks(opened, conditions, chunksize)
    for block in blocks:
        with snapshot(database) as opened:
            frame = _read(opened, [*conditions, block], names, request, layout)
            _check_columns(opened, frame, names, request)
        yield chosen_columns(frame, request.columns)


def _layout(
    database: Snapshot, names: Mapping[int, str], columns: Sequence[str] | None
) -> _Layout:
    """The columns of all trials of the studies, of those families that are asked for."""
    conditions = TrialFilter().conditions(database, names)
    families = _families(columns)
    return _Layout(
        hyperparameters=hyperparameter_kinds(database, conditions, list(names))
        if _HYPERPARAMETER in families
        else None,
        attributes=attribute_kinds(database, conditions) if ATTRIBUTE in families else None,
        domains=accuracy_domains(database, conditions) if ACCURACY in families else None,
        metrics=metric_columns(database, conditions) if METRIC in families else None,
    )


def _families(columns: Sequence[str] | None) -> set[str]:
    """The families that the columns asked for belong to."""
    families = {_HYPERPARAMETER, VALUE, ACCURACY, METRIC, ATTRIBUTE}
    if columns is None:
        return families
    prefixes = families - {_HYPERPARAMETER}
    found = {prefix for prefix in prefixes for name in columns if name.startswith(prefix)}
    return found | ({_HYPERPARAMETER} if hyperparameter_columns(columns) else set())


def _read(
    database: Snapshot,
    conditions: Conditions,
    names: Mapping[int, str],
    request: TrialRequest,
    layout: _Layout,
) -> pd.DataFrame:
    """The trials with every column, or at least with those asked for."""
    columns = request.columns
    wanted = _families(columns)
    rows, frame = read_trial_rows(database, conditions, names, columns=columns)
    families: dict[str, Mapping[str, Any]] = {}
    if _HYPERPARAMETER in wanted:
        families["<hyperparameter>"] = read_hyperparameters(
            database, conditions, rows, columns=columns, kinds=layout.hyperparameters
        )
    if VALUE in wanted:
        families["value/<objective>"] = objective_values(database, conditions, rows, names)
    if ACCURACY in wanted:
        accuracies = _accuracy_columns(request)
        families["accuracy/<domain>"] = read_accuracies(
            database, conditions, rows, columns=accuracies, domains=layout.domains
        )
    if METRIC in wanted:
        families["metric/<metric>/<domain>"] = read_metrics(
            database, conditions, rows, domains=request.domains, names=layout.metrics
        )
    if ATTRIBUTE in wanted:
        families["attribute/<key>"] = read_attributes(
            database, conditions, rows, columns=columns, kinds=layout.attributes
        )
    return _in_order(frame, families)


def _check_columns(
    database: Snapshot, frame: pd.DataFrame, names: Mapping[int, str], request: TrialRequest
) -> None:
    """Refuse a column that no trial of the studies has, with those that some have."""
    if all(name in frame for name in request.columns or ()):
        return
    layout = _layout(database, names, None)
    kinds = {**(layout.hyperparameters or {}), **(layout.attributes or {})}
    accuracies = [f"{ACCURACY}{domain}" for domain in layout.domains or ()]
    known = [*kinds, *FRAMES["trials"].dtypes, *accuracies, *(layout.metrics or ())]
    chosen_columns(pd.DataFrame(columns=known), request.columns)


def _check_domains(database: Snapshot, request: TrialRequest) -> None:
    """Refuse a domain that nothing was measured on, though there are some."""
    known = measured_domains(database)
    for domain in request.domains or ():
        if known and domain not in known:
            raise DatabaseError(f"domains: {domain!r} was not measured; {one_of(domain, known)}")


def _accuracy_columns(request: TrialRequest) -> list[str] | None:
    """Columns of accuracies that `columns` and `domains` both allow; None: all."""
    if request.domains is None:
        return None if request.columns is None else list(request.columns)
    allowed = [f"{ACCURACY}{domain}" for domain in request.domains]
    return [name for name in allowed if request.columns is None or name in request.columns]


def _in_order(frame: pd.DataFrame, families: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The columns in the order of `FRAMES["trials"]`."""
    columns: dict[str, Any] = {}
    for column in FRAMES["trials"].columns:
        if column.is_family:
            columns |= families.get(column.name, {})
        else:
            columns[column.name] = frame[column.name]
    return pd.DataFrame(columns, index=frame.index)


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
