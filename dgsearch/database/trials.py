"""The frame of trials, put together from its parts; in one piece or in chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dgsearch.database.accuracies import accuracy_domains, read_accuracies
from dgsearch.database.attributes import attribute_kinds, read_attributes
from dgsearch.database.chunks import trial_blocks
from dgsearch.database.filters import Conditions, TrialFilter, chosen_columns
from dgsearch.database.frames import ACCURACY, ATTRIBUTE, FRAMES, hyperparameter_columns
from dgsearch.database.hyperparameters import hyperparameter_kinds, read_hyperparameters
from dgsearch.database.reading import Database, Snapshot, Studies, snapshot
from dgsearch.database.trial_rows import further_values, read_trial_rows

__all__ = ["TrialRequest", "trials_frame", "trials_in_chunks"]


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

    None: whatever is found among the trials that are read.
    """

    hyperparameters: Mapping[str, str] | None = None
    attributes: Mapping[str, str] | None = None
    domains: Sequence[str] | None = None


def trials_frame(database: Database, request: TrialRequest) -> pd.DataFrame:
    """All trials asked for, as one frame."""
    with snapshot(database) as opened:
        names = opened.studies(request.study)
        conditions = request.trials.conditions(opened, names)
        frame = _read(opened, conditions, names, request, _Layout())
        if any(name not in frame for name in request.columns or ()):
            layout = _layout(opened, TrialFilter().conditions(opened, names), names)
            frame = _read(opened, conditions, names, request, layout)
    return chosen_columns(frame, request.columns)


def trials_in_chunks(
    database: Database, request: TrialRequest, chunksize: int
) -> Iterator[pd.DataFrame]:
    """The same in frames of so many trials, all with the same columns and dtypes."""
    with snapshot(database) as opened:
        names = opened.studies(request.study)
        conditions = request.trials.conditions(opened, names)
        of_columns = TrialFilter().conditions(opened, names) if request.columns else conditions
        layout = _layout(opened, of_columns, names)
        blocks = trial_blocks(opened, conditions, chunksize)
    for block in blocks:
        with snapshot(database) as opened:
            frame = _read(opened, [*conditions, block], names, request, layout)
        yield chosen_columns(frame, request.columns)


def _layout(database: Snapshot, conditions: Conditions, names: Mapping[int, str]) -> _Layout:
    return _Layout(
        hyperparameters=hyperparameter_kinds(database, conditions, list(names)),
        attributes=attribute_kinds(database, conditions),
        domains=accuracy_domains(database, conditions),
    )


def _read(
    database: Snapshot,
    conditions: Conditions,
    names: Mapping[int, str],
    request: TrialRequest,
    layout: _Layout,
) -> pd.DataFrame:
    """The trials with every column, or at least with those asked for."""
    columns = request.columns
    rows, frame = read_trial_rows(database, conditions, names, columns=columns)
    families: dict[str, Mapping[str, Any]] = {}
    if columns is None or hyperparameter_columns(columns):
        families["<hyperparameter>"] = read_hyperparameters(
            database, conditions, rows, columns=columns, kinds=layout.hyperparameters
        )
    if columns is None or any(name.startswith("value_") for name in columns):
        families["value_<k>"] = further_values(database, conditions, rows, names)
    if columns is None or any(name.startswith(ACCURACY) for name in columns):
        accuracies = read_accuracies(
            database,
            conditions,
            rows,
            columns=_accuracy_columns(request),
            domains=layout.domains,
        )
        families["accuracy/<domain>"] = accuracies
    if columns is None or any(name.startswith(ATTRIBUTE) for name in columns):
        families["attribute/<key>"] = read_attributes(
            database, conditions, rows, columns=columns, kinds=layout.attributes
        )
    return _in_order(frame, families)


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
