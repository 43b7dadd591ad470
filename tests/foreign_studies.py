"""A generator of studies that Optuna alone wrote: every kind of space, value, state and name.

The rows are written straight into a database that Optuna created, as its oldest distributions
can no longer be written through it. Each study has a twin with the directions turned round and
the values negated.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine, Table, func, insert, select

from dgsearch.database.rows import typed
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    PARAMS,
    STATES,
    STUDIES,
    STUDY_DIRECTIONS,
    STUDY_SYSTEM_ATTRIBUTES,
    TRIAL_SYSTEM_ATTRIBUTES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
    VALUES,
)

__all__ = ["ForeignStudy", "foreign_studies", "negated", "write_study"]

_NAMES = [
    *("row", "value", "_value", "accuracy", "state", "study", "seed", "config_id", "epochs"),
    *("trial_number", "index", "level_0", "n", "mean", "low", "high", "best", "choice", "group"),
    *("value/0", "accuracy/x", "attribute/y", "param_lr", "param_epochs", "0", " ", "lr", "depth"),
    *(
        "<b>&amp;\"'</b>",
        "[bold]x[/]",
        "${x}",
        "\\alpha_{1}",
        "λ",
        "a.b/c",
        "x" * 80,
        "%(n)s",
        "{}",
    ),
]
_CHOICES: Sequence[Sequence[Any]] = [
    ["a", "b", "c"],
    [None, True, False],
    [1, 1.0, True, "1", "True"],
    [8, 16, 32],
    [0.1, 1, None],
    [[64, 32], [64], []],
    [{"k": 1}, {"k": [1, 2]}, {}],
    [math.nan, math.inf, -math.inf, 0.0],
    [2**70, -(2**63), 5],
    ["<i>x</i>", "nan", "None", "", "1e3", "[red]"],
    [f"c{place}" for place in range(300)],
    ["only"],
]
_VALUES: Sequence[Callable[[random.Random, float], float]] = [
    lambda rng, effect: effect + rng.gauss(0, 0.1),
    lambda rng, effect: 1.0,
    lambda rng, effect: float(rng.randrange(3)),
    lambda rng, effect: rng.choice([math.inf, -math.inf, 0.0, 1.5, effect]),
    lambda rng, effect: rng.choice([1e300, -1e300, 1e-300, 0.0]) * (1 + effect),
    lambda rng, effect: 0.99999 + 1e-9 * rng.random(),
    lambda rng, effect: -math.exp(20 * rng.random()),
]
_REPORTS = [0.5, -2.0, math.nan, math.inf, -math.inf, 1e300, 0.0]
_ATTRIBUTES = [1, 2.5, None, True, "text <u>", [1, {"k": None}], {"a": math.nan}, 2**70, "x" * 300]
_CONSTRAINTS: Sequence[Mapping[str, Any]] = [
    {"constraints": [-1.0, 0.0]},
    {"constraints": [0.5, -1.0]},
    {"constraints:memory": 2.0, "constraints:<b>": -1.0},
    {"constraints:memory": -2.0},
]
_START = datetime(2026, 1, 1)


@dataclass(frozen=True)
class ForeignTrial:
    """A trial as it is stored; `params` are numbers as Optuna keeps them, with a distribution."""

    state: str
    values: Sequence[float]
    params: Mapping[str, tuple[float, str]]
    reports: Mapping[int, float]
    attributes: Mapping[str, Any]
    constraints: Mapping[str, Any]
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True)
class ForeignStudy:
    """A study: its name, direction of each objective, metric names and trials."""

    name: str
    directions: Sequence[str]
    metric_names: Sequence[str]
    trials: Sequence[ForeignTrial]


@st.composite
def foreign_studies(draw: st.DrawFn) -> ForeignStudy:
    """A study; what is drawn is its form, and the trials follow from a seed."""
    names = draw(st.lists(st.sampled_from(_NAMES), max_size=6, unique=True))
    kinds = {name: draw(st.sampled_from(_KINDS)) for name in names}
    objectives = draw(st.sampled_from([1, 1, 1, 2, 3]))
    directions = [draw(st.sampled_from(["MINIMIZE", "MAXIMIZE"])) for _ in range(objectives)]
    named = draw(st.booleans())
    metrics = draw(st.lists(st.sampled_from(_NAMES), min_size=objectives, max_size=objectives))
    maker = _Maker(
        random.Random(draw(st.integers(0, 2**32))),
        {name: kind(random.Random(place)) for place, (name, kind) in enumerate(kinds.items())},
        draw(st.sampled_from(_VALUES)),
        objectives,
        conditional=draw(st.booleans()),
        constrained=draw(st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.0])),
        states=draw(st.sampled_from([("COMPLETE",), (*STATES, "COMPLETE", "COMPLETE"), STATES])),
    )
    size = draw(st.sampled_from([0, 1, 2, 3, 7, 12, 12, 30, 30, 60]))
    trials = [maker.trial(place) for place in range(size)]
    if draw(st.booleans()) and len(trials) > 3:  # repeats of whole trials
        trials += trials[:3]
    name = draw(st.sampled_from(["study", "<s>", "a/b", "λ [x]", "value"]))
    return ForeignStudy(name, directions, metrics if named else [], trials)


def negated(study: ForeignStudy) -> ForeignStudy:
    """The same as its mirror image."""
    turned = {"MINIMIZE": "MAXIMIZE", "MAXIMIZE": "MINIMIZE"}
    trials = [
        ForeignTrial(
            trial.state,
            [-value for value in trial.values],
            trial.params,
            {step: -value for step, value in trial.reports.items()},
            trial.attributes,
            trial.constraints,
            trial.started,
            trial.finished,
        )
        for trial in study.trials
    ]
    directions = [turned[direction] for direction in study.directions]
    return ForeignStudy(f"{study.name} twin", directions, study.metric_names, trials)


def write_study(engine: Engine, study: ForeignStudy) -> None:
    """Write a study as Optuna stores it, into a database that Optuna created."""
    rows: dict[Table, list[dict[str, Any]]] = {}

    def add(table: Table, **cells: Any) -> None:
        rows.setdefault(table, []).append(cells)

    with engine.begin() as connection:
        found = connection.execute(insert(STUDIES).values(study_name=study.name))
        (study_id,) = found.inserted_primary_key or ()
        for place, direction in enumerate(study.directions):
            add(STUDY_DIRECTIONS, study_id=study_id, objective=place, direction=direction)
        if study.metric_names:
            names = json.dumps(list(study.metric_names))
            key = "study:metric_names"
            add(STUDY_SYSTEM_ATTRIBUTES, study_id=study_id, key=key, value_json=names)
        first = connection.scalar(select(func.coalesce(func.max(TRIALS.c.trial_id), 0))) or 0
        for number, trial in enumerate(study.trials):
            trial_id = first + 1 + number
            add(
                TRIALS,
                trial_id=trial_id,
                number=number,
                study_id=study_id,
                state=trial.state,
                datetime_start=trial.started,
                datetime_complete=trial.finished,
            )
            _add_trial(add, trial_id, trial)
        for table, found_rows in rows.items():
            connection.execute(insert(table), found_rows)


def _add_trial(add: Callable[..., None], trial_id: int, trial: ForeignTrial) -> None:
    columns: dict[Table, tuple[Sequence[str], list[tuple[Any, ...]]]] = {
        PARAMS: (
            ("param_name", "param_value", "distribution_json"),
            [(name, *stored) for name, stored in trial.params.items()],
        ),
        VALUES: (
            ("objective", "value", "value_type"),
            [(place, *typed(value)) for place, value in enumerate(trial.values)],
        ),
        INTERMEDIATE_VALUES: (
            ("step", "intermediate_value", "intermediate_value_type"),
            [(step, *typed(value)) for step, value in trial.reports.items()],
        ),
        TRIAL_USER_ATTRIBUTES: (
            ("key", "value_json"),
            [(key, json.dumps(value)) for key, value in trial.attributes.items()],
        ),
        TRIAL_SYSTEM_ATTRIBUTES: (
            ("key", "value_json"),
            [(key, json.dumps(value)) for key, value in trial.constraints.items()],
        ),
    }
    for table, (names, rows) in columns.items():
        for row in rows:
            add(table, trial_id=trial_id, **dict(zip(names, row, strict=True)))


_Draw = Callable[[random.Random], float]
_Kind = Callable[[random.Random], tuple[str, _Draw]]


def _numeric(
    name: str, attributes: dict[str, Any], draw: _Draw
) -> Callable[[random.Random], tuple[str, _Draw]]:
    return lambda _: (json.dumps({"name": name, "attributes": attributes}), draw)


def _choice(rng: random.Random) -> tuple[str, _Draw]:
    choices = rng.choice(_CHOICES)
    described = {"name": "CategoricalDistribution", "attributes": {"choices": choices}}
    return json.dumps(described), lambda each: each.randrange(min(len(choices), 40))


def _constant(rng: random.Random) -> tuple[str, _Draw]:
    attributes = {"low": 0.5, "high": 0.5, "log": False, "step": None}
    return json.dumps({"name": "FloatDistribution", "attributes": attributes}), lambda _: 0.5


_KINDS: Sequence[_Kind] = [
    _numeric(
        "FloatDistribution",
        {"low": -2.0, "high": 3.0, "log": False, "step": None},
        lambda rng: rng.uniform(-2, 3),
    ),
    _numeric(
        "FloatDistribution",
        {"low": 1e-10, "high": 1e10, "log": True, "step": None},
        lambda rng: 10 ** rng.uniform(-10, 10),
    ),
    _numeric(
        "FloatDistribution",
        {"low": 0.0, "high": 1.0, "log": False, "step": 0.25},
        lambda rng: 0.25 * rng.randrange(5),
    ),
    _numeric(
        "IntDistribution",
        {"low": 1, "high": 9, "log": False, "step": 2},
        lambda rng: 1 + 2 * rng.randrange(5),
    ),
    _numeric(
        "IntDistribution",
        {"low": 1, "high": 2**40, "log": True, "step": 1},
        lambda rng: 2 ** rng.randrange(41),
    ),
    _numeric("UniformDistribution", {"low": 0, "high": 1}, lambda rng: rng.random()),
    _numeric(
        "LogUniformDistribution",
        {"low": 1e-5, "high": 1e-1},
        lambda rng: 10 ** rng.uniform(-5, -1),
    ),
    _numeric(
        "DiscreteUniformDistribution",
        {"low": 0.0, "high": 1.0, "q": 0.1},
        lambda rng: 0.1 * rng.randrange(11),
    ),
    _numeric("IntUniformDistribution", {"low": -3, "high": 3}, lambda rng: rng.randint(-3, 3)),
    _numeric(
        "IntLogUniformDistribution",
        {"low": 1, "high": 64, "step": 1},
        lambda rng: 2 ** rng.randrange(7),
    ),
    _choice,
    _choice,
    _choice,
    _constant,
]


@dataclass(frozen=True)
class _Maker:
    """Makes the trials of one study."""

    rng: random.Random
    space: Mapping[str, tuple[str, _Draw]]
    value: Callable[[random.Random, float], float]
    objectives: int
    conditional: bool
    constrained: float
    states: Sequence[str]

    def trial(self, place: int) -> ForeignTrial:
        rng = self.rng
        state = rng.choice(self.states)
        params = {}
        for at, (name, (distribution, draw)) in enumerate(self.space.items()):
            if not (self.conditional and at and rng.random() < 0.4):
                params[name] = (draw(rng), distribution)
        if state == "WAITING" or (state == "FAIL" and rng.random() < 0.5):
            params = {}
        effect = math.tanh(sum(number for number, _ in params.values()) / 10)
        values = [self.value(rng, effect) for _ in range(self.objectives)]
        started = _START + timedelta(minutes=place)
        steps = rng.sample(range(20), rng.randrange(5)) if state != "WAITING" else []
        ended = state in ("COMPLETE", "PRUNED", "FAIL")
        return ForeignTrial(
            state,
            values if state == "COMPLETE" or (state == "PRUNED" and rng.random() < 0.5) else [],
            params,
            {step: rng.choice(_REPORTS) for step in steps},
            {name: rng.choice(_ATTRIBUTES) for name in rng.sample(_NAMES, rng.randrange(3))},
            rng.choice(_CONSTRAINTS) if rng.random() < self.constrained else {},
            None if state == "WAITING" else started,
            started + timedelta(seconds=rng.randrange(100)) if ended else None,
        )
