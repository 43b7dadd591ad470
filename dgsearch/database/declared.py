"""What a study declares: its objectives, and the distribution of each hyperparameter.

Trials say what was tried; this says what could have been tried, and what counts as better.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy
from sqlalchemy import func, select

from dgsearch.database.frames import VALUE, beside_own
from dgsearch.database.snapshot import Database, Ints, Snapshot, snapshot
from dgsearch.database.tables import (
    PARAMS,
    STUDY_DIRECTIONS,
    STUDY_SYSTEM_ATTRIBUTES,
    TRIALS,
)

METRIC_NAMES = "study:metric_names"  # key of `Study.set_metric_names`


@dataclass(frozen=True)
class Objective:
    """One of the values that a study optimises.

    Attributes:
        index: Its place, from 0.
        name: Optuna's metric name; empty where none was set.
        direction: MINIMIZE, MAXIMIZE or NOT_SET; Optuna treats the last as MINIMIZE.
        column: Of `read_trials`: `value` in a study of one objective, else `value/<name>`, or
            `value/<index>` where there is no name.
    """

    index: int
    name: str
    direction: str
    column: str

    @property
    def maximised(self) -> bool:
        """Whether a higher value is better."""
        return self.direction == "MAXIMIZE"


@dataclass(frozen=True)
class Distribution:
    """What a hyperparameter could be.

    Attributes:
        kind: float, int or choice.
        low: Lowest number allowed; None for a choice.
        high: Highest number allowed; None for a choice.
        log: Whether it is drawn on a logarithmic scale.
        step: Distance of the numbers allowed; None where every number is.
        choices: In the order declared; equal and equally typed ones once.
    """

    kind: Literal["float", "int", "choice"]
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    step: float | int | None = None
    choices: tuple[Any, ...] = ()

    def labels(self) -> list[str]:
        """One text a choice, in order; no two are equal.

        A text stands for itself, unless another choice has the same text: then it is quoted.
        """
        plain = [item if isinstance(item, str) else _identity(item) for item in self.choices]
        counts = Counter(plain)
        return [
            text if counts[text] == 1 else _identity(item)
            for text, item in zip(plain, self.choices, strict=True)
        ]

    def codes(self, column: pd.Series[Any]) -> Ints:
        """Place among the choices of each value of a column of `read_trials`.

        Returns:
            (rows,); -1 where the trial lacks the hyperparameter.
        """
        places = {_identity(item): place for place, item in enumerate(self.choices)}
        if column.dtype != object:  # None and NaN are then no choices
            present = column.notna().to_numpy()
        else:  # there <NA> alone says that a trial has none
            present = np.array([item is not pd.NA for item in column], dtype=np.bool_)
        cells = zip(column.astype(object), present, strict=True)
        found = [_place(item, places) if there else -1 for item, there in cells]
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Declared:
    """What one study declares.

    Attributes:
        objectives: In order; at least one.
        distributions: By column of `read_trials`, in the order in which they were first stored.
            Where trials declared different ones, the range that spans them all and every
            choice; `log` and `step` where all agree.
    """

    objectives: tuple[Objective, ...]
    distributions: Mapping[str, Distribution]

    @property
    def directions(self) -> list[str]:
        """Direction of each objective."""
        return [objective.direction for objective in self.objectives]


def read_declared(database: Database, study: str, *, distributions: bool = True) -> Declared:
    """The objectives and hyperparameters that a study declares.

    Hyperparameters that dgsearch holds fixed are not among them: nothing is drawn.

    Args:
        database: URL, path or engine.
        study: Its name.
        distributions: Whether the hyperparameters are asked for too; they take a look at each
            trial.

    Raises:
        DatabaseError: If the database cannot be read, or has no such study.
    """
    with snapshot(database) as opened:
        (study_id,) = opened.studies(study)
        objectives = read_objectives(opened, [study_id])[study_id]
        found = _distributions(opened, study_id) if distributions else {}
    return Declared(objectives, {name: _merged(several) for name, several in found.items()})


def read_objectives(
    database: Snapshot, study_ids: Sequence[int]
) -> dict[int, tuple[Objective, ...]]:
    """The objectives of each study, by its id."""
    table = STUDY_DIRECTIONS
    query = select(
        table.c.study_id,
        table.c.objective,
        sqlalchemy.cast(table.c.direction, sqlalchemy.String(16)),
    ).where(table.c.study_id.in_(list(study_ids)))
    directions: dict[int, dict[int, str]] = {study_id: {} for study_id in study_ids}
    for study_id, index, direction in database.cursor(query):
        directions[study_id][index] = direction
    names = _metric_names(database, study_ids)
    return {
        study_id: objectives_of([found[at] for at in sorted(found)], names.get(study_id, []))
        for study_id, found in directions.items()
    }


def parse_distribution(text: str) -> Distribution:
    """A distribution as any version of Optuna writes it, JSON."""
    described = json.loads(text)
    name, found = described["name"], described["attributes"]
    if name == "CategoricalDistribution":
        return Distribution("choice", choices=_distinct(found["choices"]))
    log = bool(found.get("log", "Log" in name))
    step = found.get("step", found.get("q"))
    if name.startswith("Int"):
        return Distribution("int", found["low"], found["high"], log, step or 1)
    return Distribution("float", found["low"], found["high"], log, step)


def objectives_of(directions: Sequence[str], names: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives of a study; of names that are not distinct none is a column's.

    Args:
        directions: Of each; none: one whose direction is not set.
        names: Optuna's metric names, if they are set.
    """
    directions = directions or ["NOT_SET"]
    names = names if len(names) == len(directions) else [""] * len(directions)
    several = len(directions) > 1
    distinct = len(set(names)) == len(names) and all(names)
    return tuple(
        Objective(
            index, name, direction, f"{VALUE}{name if distinct else index}" if several else "value"
        )
        for index, (direction, name) in enumerate(zip(directions, names, strict=True))
    )


def _metric_names(database: Snapshot, study_ids: Sequence[int]) -> dict[int, list[str]]:
    table = STUDY_SYSTEM_ATTRIBUTES
    query = select(table.c.study_id, table.c.value_json).where(
        table.c.key == METRIC_NAMES, table.c.study_id.in_(list(study_ids))
    )
    found = {study_id: json.loads(text) for study_id, text in database.cursor(query)}
    return {study_id: [str(name) for name in names or ()] for study_id, names in found.items()}


def _distributions(database: Snapshot, study_id: int) -> dict[str, list[Distribution]]:
    """The distinct distributions by column, in the order in which they were first stored."""
    columns = (PARAMS.c.param_name, PARAMS.c.distribution_json)
    query = (
        select(*columns)
        .join(TRIALS, TRIALS.c.trial_id == PARAMS.c.trial_id)
        .where(TRIALS.c.study_id == study_id)
        .group_by(*columns)
        .order_by(func.min(PARAMS.c.param_id))
    )
    found: dict[str, list[Distribution]] = {}
    for name, text in database.cursor(query):
        found.setdefault(beside_own(name), []).append(parse_distribution(text))
    return found


def _merged(found: Sequence[Distribution]) -> Distribution:
    first = found[0]
    if len(found) == 1:
        return first
    if any(item.kind == "choice" for item in found):
        # A number that became a choice has no list of what else it could have been.
        return Distribution("choice", choices=_distinct([c for d in found for c in d.choices]))
    lows = [item.low for item in found if item.low is not None]
    highs = [item.high for item in found if item.high is not None]
    return Distribution(
        "int" if all(item.kind == "int" for item in found) else "float",
        min(lows),
        max(highs),
        all(item.log for item in found),
        first.step if len({item.step for item in found}) == 1 else None,
    )


def _distinct(choices: Sequence[Any]) -> tuple[Any, ...]:
    return tuple({_identity(item): item for item in reversed(choices)}.values())[::-1]


def _identity(value: Any) -> str:
    """A text that only equal values of the same type share: 1, 1.0, True and "1" differ."""
    return json.dumps(value.item() if isinstance(value, np.generic) else value)


def _place(value: Any, places: Mapping[str, int]) -> int:
    """Place of a choice; a whole number may stand in a column of floats."""
    found = places.get(_identity(value), -1)
    if found < 0 and isinstance(value, float) and value.is_integer():
        return places.get(_identity(int(value)), -1)
    return found
