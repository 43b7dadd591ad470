"""Finished trials of another study, from which a sampler learns before it has any of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution
from sqlalchemy import Connection, Engine, inspect, null, select

from dgsearch.database.identity import COUNTS
from dgsearch.database.measured import STORED_VALUE, Outcome, outcome_of, read_measured
from dgsearch.database.tables import (
    CONFIGURATION_OF_TRIAL,
    FIRST_VALUE,
    OWN_CONFIGURATIONS,
    OWN_STUDIES,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import persistently
from dgsearch.errors import SamplerError, one_of
from dgsearch.space import Space
from dgsearch.study import StudySpec
from dgsearch.study.objectives import Goal, goal_of

_SAME_DATA = [
    "benchmark",
    "source",
    "targets",
    "validation",
    "student_images",
    "student_validation",
    "redraw",
    "image_size",
]


class Informing(NamedTuple):
    """A trial of another study that a search learns from.

    Attributes:
        params: What the search varies, by name.
        outcome: What it reached.
    """

    params: Mapping[str, Any]
    outcome: Outcome


def informing_trials(
    engine: Engine,
    spec: StudySpec,
    space: Space,
    distributions: Mapping[str, BaseDistribution],
) -> list[Informing]:
    """The finished trials of `design.warm_start` that this study could have made itself.

    These are of its own method, have its values wherever it varies nothing, and lie within what it
    varies; it does not matter which of these hyperparameters the other study varied.

    Raises:
        SamplerError: If there is no such study, if its numbers mean something else, or if it has
            no such trial; the text says why.
    """
    name = spec.design.learns_from
    if not name:
        return []
    goal = goal_of(spec)
    return persistently(
        engine, lambda connection: _read(connection, name, spec, space, distributions, goal)
    )


def _read(
    connection: Connection,
    name: str,
    spec: StudySpec,
    space: Space,
    distributions: Mapping[str, BaseDistribution],
    goal: Goal,
) -> list[Informing]:
    study_id = _study(connection, name, spec)
    wanted = (TRIALS.c.study_id == study_id) & (TRIALS.c.state == "COMPLETE") & COUNTS
    rows = connection.execute(
        select(OWN_TRIALS.c.trial_id, OWN_CONFIGURATIONS.c.values_json, *STORED_VALUE)
        .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
        .join(VALUES, FIRST_VALUE)
        .join(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        .where(wanted, OWN_CONFIGURATIONS.c.method == spec.method)
        .order_by(OWN_TRIALS.c.trial_id)
    ).all()
    numbers = read_measured(connection, wanted, goal.measured, targets=spec.data.targets)
    switches = space.switches(spec.design.asks_for(spec.method))
    fixed = {
        key: value
        for key, value in space.resolve(spec.hyperparameters).items()
        if key not in distributions and key not in switches
    }
    found = []
    for row in rows:
        values = json.loads(row.values_json)
        if any(values.get(key) != value for key, value in fixed.items()):
            continue
        if not all(
            key in values and _holds(each, values[key]) for key, each in distributions.items()
        ):
            continue
        outcome = outcome_of(row, goal, numbers)
        found.append(Informing({key: values[key] for key in distributions}, outcome))
    if not found:
        raise SamplerError(
            f"design.warm_start = {name!r}: none of its {len(rows)} finished trials of "
            f"{spec.method} has the values that {spec.name!r} fixes and lies within what it "
            "varies; widen design.vary, fix what that study fixed, or remove warm_start"
        )
    return found


def _study(connection: Connection, name: str, spec: StudySpec) -> int:
    """The study's row.

    Raises:
        SamplerError: If there is none, or if its values cannot be compared with the study's.
    """
    columns = (STUDIES.c.study_id, STUDIES.c.study_name)
    if inspect(connection).has_table(OWN_STUDIES.name):
        query = select(*columns, OWN_STUDIES.c.spec_json).outerjoin(
            OWN_STUDIES, OWN_STUDIES.c.study_id == STUDIES.c.study_id
        )
    else:  # a database that dgsearch has written nothing into yet
        query = select(*columns, null().label("spec_json"))
    stored = {row.study_name: row for row in connection.execute(query)}
    row = stored.get(name)
    if row is None or name == spec.name:
        others = sorted(each for each in stored if each != spec.name)
        what = "is this study itself" if name == spec.name else "is no study of the database"
        raise SamplerError(f"design.warm_start = {name!r}: {what}; {one_of(name, others)}")
    if row.spec_json is None:
        raise SamplerError(
            f"design.warm_start = {name!r}: was not written by dgsearch, so nothing says how its "
            "values were measured; name another study"
        )
    for key, before, now in _differences(json.loads(row.spec_json), spec):
        raise SamplerError(
            f"design.warm_start = {name!r}: its {key} is {before!r}, here it is {now!r}, so its "
            "values are on another scale; name another study, or remove warm_start"
        )
    return int(row.study_id)


def _differences(stored: Mapping[str, Any], spec: StudySpec) -> list[tuple[str, Any, Any]]:
    """What makes values of two studies incomparable: place, there, here."""
    now = spec.model_dump(mode="json")
    metrics = stored.get("metrics") or {}
    pairs = [
        ("method", stored.get("method"), now["method"]),
        ("metrics.select", metrics.get("select", "accuracy"), spec.selecting),
        ("selection", stored.get("selection", "last"), now["selection"]),
    ]
    before, own = stored.get("data", {}), now["data"]
    pairs += [(f"data.{key}", before.get(key, own[key]), own[key]) for key in _SAME_DATA]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a value can be drawn from a distribution."""
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except (ValueError, TypeError):  # no choice of it, or no number
        return False
