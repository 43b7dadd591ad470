"""What each trial reached on each domain at its selected epoch, as columns: accuracy, metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Select, select

from dgsearch.database.filters import Conditions
from dgsearch.database.frames import ACCURACY, METRIC
from dgsearch.database.snapshot import Floats, Snapshot
from dgsearch.database.tables import OWN_SCORES, OWN_SERIES, OWN_TRIALS, TRIALS
from dgsearch.database.trial_rows import TrialRows

_SPLITS = ("train", "validation", "test")  # the last one that a trial measured counts
_ALWAYS = ("accuracy", "loss")


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
    found = _columns(database, conditions, rows, series)
    names = [domain for domain in _domains(series) if domain in found]
    absent = np.full(len(rows.ids), np.nan)
    frame = {
        f"{ACCURACY}{domain}": found.get(domain, absent)
        for domain in (names if domains is None else domains)
    }
    return {name: frame[name] for name in frame if columns is None or name in columns}


def read_metrics(
    database: Snapshot,
    conditions: Conditions,
    rows: TrialRows,
    *,
    domains: Collection[str] | None,
    names: Sequence[str] | None,
) -> dict[str, Floats]:
    """`metric/<metric>/<domain>` of each trial, in the order in which they were first measured.

    Args:
        database: Where they are.
        conditions: Of the trials.
        rows: The trials, in the order of the result.
        domains: Only on these; None: all.
        names: Columns that are there whatever is found; None: those found.
    """
    if not database.own:
        return {}
    series = {
        key: (split, f"{METRIC}{metric}/{domain}")
        for key, (split, domain, metric) in _metric_series(database).items()
        if domains is None or domain in domains
    }
    found = _columns(database, conditions, rows, series) if series else {}
    absent = np.full(len(rows.ids), np.nan)
    order = [name for name in _domains(series) if name in found] if names is None else names
    return {name: found.get(name, absent) for name in order}


def metric_columns(database: Snapshot, conditions: Conditions) -> list[str]:
    """Every `metric/<metric>/<domain>` that any of the trials has at its selected epoch."""
    series = _metric_series(database) if database.own else {}
    if not series:
        return []
    query = _query(conditions, series).with_only_columns(OWN_SCORES.c.series_id)
    found = {int(series_id) for (series_id,) in database.cursor(query.distinct())}
    named = [f"{METRIC}{series[key][2]}/{series[key][1]}" for key in series if key in found]
    return list(dict.fromkeys(named))


def _columns(
    database: Snapshot,
    conditions: Conditions,
    rows: TrialRows,
    series: Mapping[int, tuple[str, str]],
) -> dict[str, Floats]:
    """Values at the selected epoch by name; `series` gives split and name of each."""
    trial_ids, series_ids, values = database.numbers(_query(conditions, series)).T
    places = rows.places(trial_ids.astype(np.int64))
    found: dict[str, Floats] = {}
    for split in _SPLITS:
        for series_id in np.unique(series_ids):
            measured, name = series[int(series_id)]
            if measured == split:
                column = found.setdefault(name, np.full(len(rows.ids), np.nan))
                of = series_ids == series_id
                column[places[of]] = values[of]
    return found


def _metric_series(database: Snapshot) -> dict[int, tuple[str, str, str]]:
    """Split, domain and metric of each series of a further metric, in order of creation."""
    query = (
        select(
            OWN_SERIES.c.series_id, OWN_SERIES.c.split, OWN_SERIES.c.domain, OWN_SERIES.c.metric
        )
        .where(OWN_SERIES.c.metric.not_in(_ALWAYS), OWN_SERIES.c.split.in_(("validation", "test")))
        .order_by(OWN_SERIES.c.series_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in database.cursor(query)}


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
