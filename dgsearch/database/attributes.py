"""The user attributes of trials as columns, except those that dgsearch wrote itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, not_, select

from dgsearch.database.decoding import Piece, column_of, common_kind, kind_of
from dgsearch.database.filters import Conditions, own_trial
from dgsearch.database.frames import ATTRIBUTE
from dgsearch.database.snapshot import Snapshot
from dgsearch.database.tables import TRIAL_USER_ATTRIBUTES, TRIALS
from dgsearch.database.trial_rows import TrialRows

__all__ = ["attribute_kinds", "read_attributes"]

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
