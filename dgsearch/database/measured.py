"""Costs and metrics of trials beside their value, as searches weigh them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, select

from dgsearch.database.identity import COUNTS
from dgsearch.database.rows import untyped
from dgsearch.database.tables import (
    FIRST_VALUE,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import persistently
from dgsearch.study.objectives import COSTS, Goal

STORED_VALUE = (VALUES.c.value, VALUES.c.value_type)  # the value of a trial, for `outcome_of`


class Outcome(NamedTuple):
    """What a finished trial reached.

    Attributes:
        values: Its objectives; NaN: unknown.
        excesses: By how much it lies beyond each constraint, at most 0 within it; NaN: unknown.
    """

    values: tuple[float, ...]
    excesses: tuple[float, ...]

    @property
    def excess(self) -> float:
        """How far it lies beyond its constraints in all; infinite where that is unknown."""
        beyond = sum(max(0.0, each) for each in self.excesses)
        return math.inf if any(map(math.isnan, self.excesses)) else beyond


def read_measured(
    connection: Connection,
    wanted: ColumnElement[bool],
    names: Sequence[str],
    *,
    targets: Collection[str],
) -> dict[int, dict[str, float]]:
    """Numbers by a trial's row and by name; of metrics those of the selection split.

    Args:
        connection: To the database.
        wanted: Which trials.
        names: Metrics and costs.
        targets: Of two validation splits that of a target is the one that selects.
    """
    found: dict[int, dict[str, float]] = {}
    costs = [name for name in names if name in COSTS]
    if costs:
        columns = [OWN_TRIALS.c[name] for name in costs]
        query = select(OWN_TRIALS.c.trial_id, *columns).join(
            TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id
        )
        for place, *numbers in connection.execute(query.where(wanted)):
            own = found.setdefault(place, {})
            own.update({n: _known(v) for n, v in zip(costs, numbers, strict=True)})
    metrics = [name for name in names if name not in COSTS]
    if metrics:
        scores = (
            select(
                OWN_SCORES.c.trial_id, OWN_SERIES.c.domain, OWN_SERIES.c.metric, OWN_SCORES.c.value
            )
            .join(OWN_SERIES, OWN_SERIES.c.series_id == OWN_SCORES.c.series_id)
            .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
            .join(TRIALS, TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
            .where(
                wanted,
                OWN_SERIES.c.split == "validation",
                OWN_SERIES.c.metric.in_(metrics),
                OWN_SCORES.c.epoch == OWN_TRIALS.c.selected_epoch,
            )
        )
        rows = connection.execute(scores).all()
        for place, _, metric, value in sorted(rows, key=lambda row: row.domain in targets):
            found.setdefault(place, {})[metric] = _known(value)
    return found


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)


def outcome_of(row: Any, goal: Goal, numbers: Mapping[int, Mapping[str, float]]) -> Outcome:
    """What a trial reached.

    Args:
        row: Its trial_id and the columns `STORED_VALUE`.
        goal: What is to be reached.
        numbers: `read_measured`.
    """
    value, own = untyped(row.value, row.value_type), numbers.get(row.trial_id, {})
    return Outcome(goal.values(value, own), goal.excesses(value, own))


def finished_outcomes(
    engine: Engine, study_id: int, goal: Goal, *, targets: Collection[str]
) -> dict[tuple[str, int], Outcome]:
    """Objectives and constraints of each finished trial, by (config_id, seed)."""
    wanted = (TRIALS.c.study_id == study_id) & (TRIALS.c.state == "COMPLETE") & COUNTS
    query = (
        select(OWN_TRIALS.c.trial_id, OWN_TRIALS.c.config_id, OWN_TRIALS.c.seed, *STORED_VALUE)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(VALUES, FIRST_VALUE)
        .where(wanted)
    )

    def read(connection: Connection) -> dict[tuple[str, int], Outcome]:
        rows = connection.execute(query).all()
        numbers = read_measured(connection, wanted, goal.measured, targets=targets)
        return {(row.config_id, row.seed): outcome_of(row, goal, numbers) for row in rows}

    return persistently(engine, read)
