"""What a study declares: directions, metric names, distributions, choices of any kind."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from dgsearch.database.declared import Distribution, parse_distribution, read_declared
from dgsearch.database.queries import read_studies, read_trials

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*set_metric_names is experimental"),
    pytest.mark.filterwarnings("ignore:Choices for a categorical distribution"),
]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _study(database: str, **arguments: Any) -> optuna.Study:
    return optuna.create_study(storage=database, study_name="s", **arguments)


def _tried(study: optuna.Study, name: str, distribution: BaseDistribution, value: Any) -> None:
    trial = optuna.trial.create_trial(
        params={name: value}, distributions={name: distribution}, value=1.0
    )
    study.add_trial(trial)


def test_a_study_of_one_objective_has_the_column_value(database: str) -> None:
    study = _study(database, direction="maximize")
    study.set_metric_names(["f1"])
    (objective,) = read_declared(database, "s").objectives
    assert (objective.name, objective.direction, objective.column) == ("f1", "MAXIMIZE", "value")
    assert objective.maximised


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (None, ["value/0", "value/1"]),
        (["loss", "latency"], ["value/loss", "value/latency"]),
        (["same", "same"], ["value/0", "value/1"]),
    ],
)
def test_each_of_several_objectives_has_its_column(
    database: str, names: list[str] | None, columns: list[str]
) -> None:
    study = _study(database, directions=["minimize", "maximize"])
    if names:
        study.set_metric_names(names)
    study.add_trial(optuna.trial.create_trial(values=[0.5, math.inf]))
    declared = read_declared(database, "s")
    assert [objective.column for objective in declared.objectives] == columns
    assert declared.directions == ["MINIMIZE", "MAXIMIZE"]
    (row,) = read_trials(database).to_dict("records")
    assert [row[name] for name in columns] == [0.5, math.inf]
    assert row["value"] == 0.5
    assert read_trials(database, columns=columns).columns.tolist() == columns


def test_numbers_have_their_range_scale_and_step(database: str) -> None:
    study = _study(database)
    _tried(study, "lr", FloatDistribution(1e-5, 0.1, log=True), 0.01)
    _tried(study, "value", IntDistribution(2, 8, step=2), 4)
    _tried(study, "q", FloatDistribution(0, 1, step=0.25), 0.5)
    assert read_declared(database, "s").distributions == {
        "lr": Distribution("float", 1e-5, 0.1, log=True),
        "param_value": Distribution("int", 2, 8, step=2),
        "q": Distribution("float", 0.0, 1.0, step=0.25),
    }


def test_ranges_that_changed_are_spanned(database: str) -> None:
    study = _study(database)
    _tried(study, "n", IntDistribution(1, 4), 2)
    _tried(study, "n", IntDistribution(8, 16), 8)
    assert read_declared(database, "s").distributions["n"] == Distribution("int", 1, 16, step=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "UniformDistribution", "attributes": {"low": 0, "high": 1}}', "float 0 1"),
        ('{"name": "LogUniformDistribution", "attributes": {"low": 1, "high": 9}}', "float 1 9 l"),
        (
            '{"name": "DiscreteUniformDistribution",'
            ' "attributes": {"low": 0, "high": 1, "q": 0.5}}',
            "float 0 1 s0.5",
        ),
        ('{"name": "IntUniformDistribution", "attributes": {"low": 0, "high": 9}}', "int 0 9 s1"),
        (
            '{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 9}}',
            "int 1 9 l s1",
        ),
    ],
)
def test_distributions_of_old_versions_are_understood(text: str, expected: str) -> None:
    found = parse_distribution(text)
    words = [found.kind, str(found.low), str(found.high), "l" if found.log else ""]
    words.append("" if found.step is None else f"s{found.step}")
    assert " ".join(word for word in words if word) == expected


CHOICES: list[list[Any]] = [
    ["c", "b", "a"],
    [True, False],
    [1, True, 1.0, "1"],
    [None, "none", "null"],
    [1, 2.5],
    [math.nan, math.inf, -math.inf, 0.0],
    [2**70, 2, 2**53 + 1],
    [[64, 64], [128], []],
    [{"a": 1}, {"a": [1, None]}],
    list(range(2000, 0, -1)),
]


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: repr(choices)[:20])
def test_choices_stay_as_declared_and_in_order(database: str, choices: list[Any]) -> None:
    """Stored by index, as Optuna would have, but for its comparison of 1 with True."""
    study = _study(database)
    study.add_trial(optuna.trial.create_trial(value=0.0))  # has none
    chosen = list(range(len(choices)))[:20]
    for _ in chosen:
        _tried(study, "c", CategoricalDistribution(choices), choices[0])
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE trial_params SET param_value = param_id - 1")
    connection.close()
    distribution = read_declared(database, "s").distributions["c"]
    assert repr(distribution.choices) == repr(tuple(choices))
    assert len(set(distribution.labels())) == len(choices)
    column = read_trials(database)["c"]
    assert distribution.codes(column).tolist() == [-1, *chosen]
    assert pd.isna(column[0])
    if column.dtype == object:
        assert column[0] is pd.NA
        assert repr(column.tolist()[1:]) == repr(choices[:20])


def test_a_text_is_its_own_label_unless_another_choice_looks_the_same() -> None:
    assert Distribution("choice", choices=("sgd", 1, "1", True, None)).labels() == [
        "sgd",
        "1",
        '"1"',
        "true",
        "null",
    ]


def test_integers_beyond_64_bits_are_kept(database: str) -> None:
    study = _study(database)
    _tried(study, "n", IntDistribution(0, 2**70), 2**70)
    assert read_trials(database)["n"].tolist() == [2**70]


@pytest.mark.parametrize("name", ["row", "value", "_value", "accuracy", "state", "study", "a/b"])
def test_a_hyperparameter_and_an_attribute_may_have_any_name(database: str, name: str) -> None:
    study = _study(database)
    study.set_metric_names([name])
    trial = study.ask({name: FloatDistribution(0, 1)})
    trial.set_user_attr(name, "noted")
    study.tell(trial, 0.25)
    (column,) = read_declared(database, "s").distributions
    (row,) = read_trials(database).to_dict("records")
    assert row[column] == trial.params[name]
    assert row[f"attribute/{name}"] == "noted"
    assert (row["value"], row["study"], row["state"]) == (0.25, "s", "COMPLETE")
    assert read_studies(database)["study"].tolist() == ["s"]
