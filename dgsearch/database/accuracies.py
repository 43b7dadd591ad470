"""The accuracy of each trial on each domain at its selected epoch, as columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sqlalchemy import Select, select

from dgsearch.database.filters import Conditions
from dgsearch.database.frames import ACCURACY
from dgsearch.database.reading import Floats, Snapshot
from dgsearch.database.tables import OWN_SCORES, OWN_SERIES, OWN_TRIALS, TRIALS
from dgsearch.database.trial_rows import TrialRows

__all__ = ["accuracy_domains", "measured_domains", "read_accuracies"]

_SPLITS = ("train", "validation", "test")  # the last one that a trial measured counts


def read_accuracies(
    database: Snapshot,
    conditions: Conditions,
    rows: TrialRows,
    *,
    columns: Collection[str] | None,
    domains: Collection[str] | None,
) -> dict[str, Floats]:
    """`accuracy/<domain>` of each trial, in the order in which domains were first measured.

    Args:
        database: Where they are.
        conditions: Of the trials.
        rows: The trials, in the order of the result.
        columns: Only these; None: all.
        domains: Domains that get a column whatever is found; None: those found.
    """
    if not database.own:
        return {}
    series = _series(database)
    trial_ids, series_ids, values = database.numbers(_query(conditions, series)).T
    places = rows.places(trial_ids.astype(np.int64))
    found: dict[str, Floats] = {}
    for split in _SPLITS:
        for series_id in np.unique(series_ids):
            measured, domain = series[int(series_id)]
            if measured == split:
                column = found.setdefault(domain, np.full(len(rows.ids), np.nan))
                of = series_ids == series_id
                column[places[of]] = values[of]
    names = [domain for domain in _domains(series) if domain in found]
    absent = np.full(len(rows.ids), np.nan)
    frame = {
        f"{ACCURACY}{domain}": found.get(domain, absent)
        for domain in (names if domains is None else domains)
    }
    return {name: frame[name] for name in frame if columns is None or name in columns}


def accuracy_domains(database: Snapshot, conditions: Conditions) -> list[str]:
    """The domains on which any of the trials has an accuracy at its selected epoch."""
    if not database.own:
        return []
    series = _series(database)
    query = _query(conditions, series).with_only_columns(OWN_SCORES.c.series_id)
    found = {int(series_id) for (series_id,) in database.cursor(query.distinct())}
    return _domains({key: series[key] for key in series if key in found})


def measured_domains(database: Snapshot) -> list[str]:
    """Every domain of the database that has an accuracy."""
    return _domains(_series(database)) if database.own else []


def _series(database: Snapshot) -> dict[int, tuple[str, str]]:
    """Split and domain of each series of accuracies, in order of creation."""
    query = (
        select(OWN_SERIES.c.series_id, OWN_SERIES.c.split, OWN_SERIES.c.domain)
        .where(OWN_SERIES.c.metric == "accuracy", OWN_SERIES.c.split.in_(_SPLITS))
        .order_by(OWN_SERIES.c.series_id)
    )
    return {series_id: (split, domain) for series_id, split, domain in database.cursor(query)}


def _domains(series: Mapping[int, tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys(domain for _, domain in series.values()))


def _query(conditions: Conditions, series: Collection[int]) -> Select[Any]:
    """Accuracies at the selected epochs: trial, series, value."""
    return (
        select(OWN_SCORES.c.trial_id, OWN_SCORES.c.series_id, OWN_SCORES.c.value)
        .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
        .join(TRIALS, TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
        .where(
            OWN_SCORES.c.epoch == OWN_TRIALS.c.selected_epoch,
            OWN_SCORES.c.series_id.in_(list(series)),
            *conditions,
        )
    )
