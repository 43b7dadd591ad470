"""The hyperparameters and the user attributes of trials as columns.

A trial that dgsearch wrote has its hyperparameters in its configuration. Of any other trial they
are in Optuna's `trial_params`, where they are decoded once per distinct distribution. Attributes
that dgsearch wrote itself are no columns.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Select, and_, func, not_, select

from dgsearch.database.decoding import Piece, column_of, common_kind, decode_param, kind_of
from dgsearch.database.filters import Conditions, own_trial
from dgsearch.database.frames import ATTRIBUTE, beside_own
from dgsearch.database.snapshot import Floats, Ints, Snapshot
from dgsearch.database.switches import recorded_switches
from dgsearch.database.tables import OWN_CONFIGURATIONS, PARAMS, TRIAL_USER_ATTRIBUTES, TRIALS
from dgsearch.database.trial_rows import TrialRows

_SHORT = 2**15
_MOST_NAMED = 10_000  # values in a query; SQLite takes 32,766
_TEXT = pa.dictionary(pa.int32(), pa.string())
_NO_ROWS: Ints = np.empty(0, np.int64)
_NO_NUMBERS: Floats = np.empty(0, np.float64)


def read_hyperparameters(
    database: Snapshot,
    conditions: Conditions,
    rows: TrialRows,
    *,
    columns: Collection[str] | None,
    kinds: Mapping[str, str] | None,
) -> dict[str, Any]:
    """One array a hyperparameter.

    Args:
        database: Where they are.
        conditions: Of the trials.
        rows: The trials, in the order of the result.
        columns: Only these; None: all.
        kinds: Columns and dtypes that are wanted whatever is found; None: what is found.

    Returns:
        By column: those of configurations in the order of their method, then those of other
        trials in the order in which they were first stored.
    """
    found = [*_configured(database, rows), *_stored(database, conditions, rows, columns)]
    return joined(found, len(rows.ids), columns=columns, kinds=kinds)


def joined(
    found: Iterable[tuple[str, Piece]],
    size: int,
    *,
    columns: Collection[str] | None,
    kinds: Mapping[str, str] | None,
) -> dict[str, Any]:
    """One array a column, from pieces of columns.

    Args:
        found: Column and piece.
        size: Number of trials.
        columns: Only these; None: all.
        kinds: Columns and dtypes that are wanted whatever is found; None: what is found.
    """
    pieces: dict[str, list[Piece]] = {}
    for name, piece in found:
        pieces.setdefault(name, []).append(piece)
    if kinds is None:
        kinds = {name: common_kind(p.kind for p in found) for name, found in pieces.items()}
    return {
        name: column_of(pieces.get(name, ()), size, kind)
        for name, kind in kinds.items()
        if columns is None or name in columns
    }


def hyperparameter_kinds(
    database: Snapshot, conditions: Conditions, study_ids: Collection[int]
) -> dict[str, str]:
    """Column and dtype of every hyperparameter of the trials, without reading their values."""
    kinds: dict[str, list[str]] = {}
    for name, values in _configurations(database, study_ids)[1].items():
        kinds.setdefault(beside_own(name), []).append(kind_of(values))
    first = func.min(PARAMS.c.param_id)
    columns = (PARAMS.c.param_name, PARAMS.c.distribution_json)
    query = _of_other_trials(database, select(*columns).group_by(*columns), conditions)
    for name, distribution in database.cursor(query.order_by(first)):
        piece = decode_param(_NO_ROWS, _NO_NUMBERS, distribution)
        kinds.setdefault(beside_own(name), []).append(piece.kind)
    return {name: common_kind(found) for name, found in kinds.items()}


def _configured(database: Snapshot, rows: TrialRows) -> Iterator[tuple[str, Piece]]:
    """Column by column, the hyperparameters of the trials that dgsearch wrote."""
    config_ids = {name for name in rows.config_ids if name is not None}
    keys, values = _configurations(database, set(rows.study_ids.tolist()), config_ids)
    known: dict[tuple[int, str | None], int] = {key: place for place, key in enumerate(keys)}
    pairs = zip(rows.study_ids.tolist(), rows.config_ids, strict=True)
    places = np.array([known.get(pair, -1) for pair in pairs], dtype=np.int64)
    of = np.flatnonzero(places >= 0)
    for name, found in values.items():
        objects = np.empty(len(found), dtype=object)
        objects[:] = found
        yield beside_own(name), Piece(of, objects[places[of]], kind_of(found))
    if values:
        yield from recorded_switches(database, rows, values)


def _configurations(
    database: Snapshot, study_ids: Collection[int], config_ids: Collection[str] | None = None
) -> tuple[list[tuple[int, str]], dict[str, list[Any]]]:
    """Keys of the studies' configurations, and by hyperparameter one value each, or None.

    Where only some are asked for and these are not too many for a query, only they are read.
    """
    if not database.own:
        return [], {}
    query = select(
        OWN_CONFIGURATIONS.c.study_id,
        OWN_CONFIGURATIONS.c.config_id,
        OWN_CONFIGURATIONS.c.values_json,
    ).where(OWN_CONFIGURATIONS.c.study_id.in_(list(study_ids)))
    if config_ids is not None and len(config_ids) <= _MOST_NAMED:
        query = query.where(OWN_CONFIGURATIONS.c.config_id.in_(list(config_ids)))
    rows = list(database.cursor(query))
    decoded = _decoded([text for _, _, text in rows])
    stored = [(row[0], row[1], values) for row, values in zip(rows, decoded, strict=True)]
    stored.sort(key=lambda row: -len(row[2]))  # the method with the most names orders them
    names = dict.fromkeys(name for _, _, values in stored for name in values)
    by_name = {name: [values.get(name) for _, _, values in stored] for name in names}
    return [(study, config) for study, config, _ in stored], by_name


def _decoded(texts: Sequence[str]) -> list[Any]:
    """JSON texts, decoded together: that takes half of the time."""
    found: list[Any] = json.loads(f"[{','.join(texts)}]")
    return found if len(found) == len(texts) else [json.loads(text) for text in texts]


def _stored(
    database: Snapshot, conditions: Conditions, rows: TrialRows, columns: Collection[str] | None
) -> Iterator[tuple[str, Piece]]:
    """Distribution by distribution, the hyperparameters that Optuna alone stored."""
    query = select(
        PARAMS.c.trial_id,
        PARAMS.c.param_id,
        PARAMS.c.param_value,
        PARAMS.c.param_name,
        PARAMS.c.distribution_json,
    )
    if columns is not None:
        query = query.where(PARAMS.c.param_name.in_(_possible_names(columns)))
    types = {"trial": pa.int64(), "param": pa.int64(), "value": pa.float64()}
    table = database.table(
        _of_other_trials(database, query, conditions),
        types | {"name": _TEXT, "distribution": _TEXT},
    )
    if not len(table):
        return
    table = table.unify_dictionaries().combine_chunks()
    names, name_codes = _encoded(table, "name")
    distributions, codes = _encoded(table, "distribution")
    order = np.argsort(table["param"].to_numpy(), kind="stable")
    places = rows.places(table["trial"].to_numpy())[order]
    values = table["value"].to_numpy()[order]
    yield from pieces_of(places, values, (name_codes[order], names), (codes[order], distributions))


def pieces_of(
    places: Ints,
    values: Floats,
    named: tuple[Ints, Sequence[str]],
    described: tuple[Ints, Sequence[str]],
) -> Iterator[tuple[str, Piece]]:
    """Hyperparameters distribution by distribution, in the order in which each came first.

    Args:
        places: Position of the trial of each.
        values: As Optuna stores them.
        named: Place of the name of each, among these names.
        described: Place of the distribution of each, among these descriptions by Optuna, JSON.
    """
    (name_codes, names), (codes, distributions) = named, described
    if not len(values):
        return
    pairs = name_codes * len(distributions) + codes
    if pairs.max() < _SHORT:
        pairs = pairs.astype(np.int16)  # which numpy sorts in a tenth of the time
    order = np.argsort(pairs, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(pairs[order])) + 1)
    for group in sorted(groups, key=lambda members: members[0]):
        name = names[name_codes[group[0]]]
        distribution = distributions[codes[group[0]]]
        yield beside_own(name), decode_param(places[group], values[group], distribution)


def _encoded(table: pa.Table, column: str) -> tuple[list[str], Ints]:
    """The distinct texts of a column and the number of each row's."""
    encoded = table[column].chunk(0)
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _of_other_trials(
    database: Snapshot, query: Select[Any], conditions: Conditions
) -> Select[Any]:
    """The query over `trial_params`, of those trials asked for that dgsearch did not write."""
    query = query.join(TRIALS, TRIALS.c.trial_id == PARAMS.c.trial_id).where(*conditions)
    return query.where(not_(own_trial())) if database.own else query


def _possible_names(columns: Collection[str]) -> list[str]:
    """Names of hyperparameters that such columns can have."""
    return list({*columns, *(name.removeprefix("param_") for name in columns)})


_OWN_KEYS = ("seed", "config_id")


def read_attributes(
    database: Snapshot,
    conditions: Conditions,
    rows: TrialRows,
    *,
    columns: Collection[str] | None,
    kinds: Mapping[str, str] | None,
) -> dict[str, Any]:
    """One array a key, by column, in the order of the keys.

    Args:
        database: Where they are.
        conditions: Of the trials.
        rows: The trials, in the order of the result.
        columns: Only these; None: all.
        kinds: Columns and dtypes that are wanted whatever is found; None: what is found.
    """
    found: dict[str, tuple[list[int], list[Any]]] = {}
    for trial_id, key, text in database.cursor(_query(database, conditions, columns)):
        ids, values = found.setdefault(f"{ATTRIBUTE}{key}", ([], []))
        ids.append(trial_id)
        values.append(json.loads(text))
    pieces = {}
    for name, (ids, values) in found.items():
        objects = np.empty(len(values), dtype=object)
        objects[:] = values
        places = rows.places(np.array(ids, dtype=np.int64))
        pieces[name] = [Piece(places, objects, kind_of(values))]
    if kinds is None:
        kinds = {name: common_kind(p.kind for p in pieces[name]) for name in sorted(pieces)}
    return {
        name: column_of(pieces.get(name, ()), len(rows.ids), kind)
        for name, kind in kinds.items()
        if columns is None or name in columns
    }


def attribute_kinds(database: Snapshot, conditions: Conditions) -> dict[str, str]:
    """Column and dtype of every attribute of the trials; values are looked at, not kept."""
    kinds: dict[str, set[str]] = {}
    for _, key, text in database.cursor(_query(database, conditions, None)):
        kinds.setdefault(f"{ATTRIBUTE}{key}", set()).add(kind_of([json.loads(text)]))
    return {name: common_kind(kinds[name]) for name in sorted(kinds)}


def _query(
    database: Snapshot, conditions: Conditions, columns: Collection[str] | None
) -> Select[Any]:
    table = TRIAL_USER_ATTRIBUTES
    query = (
        select(table.c.trial_id, table.c.key, table.c.value_json)
        .join(TRIALS, TRIALS.c.trial_id == table.c.trial_id)
        .where(*conditions)
    )
    if columns is not None:
        query = query.where(table.c.key.in_([name.removeprefix(ATTRIBUTE) for name in columns]))
    if database.own:
        query = query.where(not_(and_(table.c.key.in_(_OWN_KEYS), own_trial())))
    return query
