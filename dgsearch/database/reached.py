"""What a finished trial reached, as Optuna stores it: a value an objective, and its constraints.

So every program that opens a study with Optuna draws its Pareto front. A study that was begun
before dgsearch stored several objectives goes on with its first one.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from dgsearch.database.declared import METRIC_NAMES
from dgsearch.database.measured import read_measured
from dgsearch.database.rows import CONSTRAINTS, value_row
from dgsearch.database.tables import (
    OWN_STUDIES,
    STUDY_DIRECTIONS,
    STUDY_SYSTEM_ATTRIBUTES,
    TRIAL_SYSTEM_ATTRIBUTES,
    TRIALS,
    VALUES,
)
from dgsearch.database.writing import insert_new
from dgsearch.study.objectives import Goal, goal_of
from dgsearch.study.spec import StudySpec
from dgsearch.study.stored import stored_study


class Weighed(NamedTuple):
    """What the trials of a study are told to Optuna with.

    Attributes:
        goal: As many objectives as Optuna knows of the study, and its constraints.
        targets: Target domains.
    """

    goal: Goal
    targets: Sequence[str]


def declare_objectives(connection: Connection, study_id: int, spec: StudySpec) -> None:
    """Tell Optuna the directions of a new study, and the names where there are several."""
    goal = goal_of(spec)
    directions = [
        {
            "study_id": study_id,
            "objective": place,
            "direction": "MAXIMIZE" if maximised else "MINIMIZE",
        }
        for place, maximised in enumerate(goal.maximise)
    ]
    insert_new(connection, STUDY_DIRECTIONS, directions)
    if len(goal.names) > 1:
        names = json.dumps(list(goal.names))
        row = {"study_id": study_id, "key": METRIC_NAMES, "value_json": names}
        insert_new(connection, STUDY_SYSTEM_ATTRIBUTES, [row])


def weighed_by(connection: Connection, study_id: int) -> Weighed:
    """What the trials of a stored study are told with."""
    known = connection.scalar(
        select(func.count())
        .select_from(STUDY_DIRECTIONS)
        .where(STUDY_DIRECTIONS.c.study_id == study_id)
    )
    text = connection.execute(
        select(OWN_STUDIES.c.spec_json).where(OWN_STUDIES.c.study_id == study_id)
    ).scalar_one()
    spec = stored_study(json.loads(text))
    goal = goal_of(spec)
    if known != len(goal.names):
        goal = replace(goal, names=goal.names[:1], maximise=goal.maximise[:1])
    return Weighed(goal, spec.data.targets)


def store_reached(connection: Connection, trial_id: int, value: float, weighed: Weighed) -> None:
    """Store the objectives of a trial that has finished, and by how much it exceeds constraints.

    Args:
        connection: Within the transaction that ends it; its costs and scores are stored.
        trial_id: The trial's row.
        value: Of the first objective.
        weighed: By what. An objective that is unknown is stored as infinitely bad, and a
            constraint as violated: Optuna has no place for what is unknown.
    """
    goal = weighed.goal
    numbers: dict[str, float] = {}
    if goal.measured:
        of_trial = TRIALS.c.trial_id == trial_id
        found = read_measured(connection, of_trial, goal.measured, targets=weighed.targets)
        numbers = found.get(trial_id, {})
    rows = [
        value_row(trial_id, _known(number, maximised=maximised), objective=place)
        for place, (number, maximised) in enumerate(
            zip(goal.values(value, numbers), goal.maximise, strict=True)
        )
    ]
    connection.execute(insert(VALUES), rows)
    if goal.limits:
        beyond = [
            min(_known(each, maximised=False), sys.float_info.max)
            for each in goal.excesses(value, numbers)
        ]
        row = {"trial_id": trial_id, "key": CONSTRAINTS, "value_json": json.dumps(beyond)}
        insert_new(connection, TRIAL_SYSTEM_ATTRIBUTES, [row])


def _known(number: float, *, maximised: bool) -> float:
    """A number; infinitely bad where it is unknown."""
    if math.isnan(number):
        return -math.inf if maximised else math.inf
    return number
