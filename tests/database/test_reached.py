"""What Optuna finds of a study of several objectives: read with Optuna itself."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from sqlalchemy import delete, select

from dgsearch.database.measured import finished_outcomes
from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.recorder import Ending
from dgsearch.database.studies import finished_values
from dgsearch.database.tables import STUDY_DIRECTIONS, TRIAL_SYSTEM_ATTRIBUTES, VALUES
from dgsearch.report.status import standings
from dgsearch.study.objectives import goal_of
from tests.fakes import FakeStudy, fake_spec, planned

# λ_adv, accuracy, seconds; the last one is dominated by the second
POINTS = ((0.1, 0.9, 90.0), (0.2, 0.7, 30.0), (0.3, 0.5, 10.0), (0.4, 0.4, 50.0))


def _spec(**design: Any) -> Any:
    vary = {"lambda_adv": {"low": 0.0, "high": 1.0}}
    metrics = design.pop("metrics", {})
    made = {"kind": "search", "trials": 4, "vary": vary, **design}
    return fake_spec(design=made, baselines=[], metrics=metrics)


def _fill(study: FakeStudy) -> FakeStudy:
    for at, accuracy, seconds in POINTS:
        begun = study.begin(planned(lambda_adv=at))
        study.report(begun.trial_id, 1, accuracy, [accuracy, accuracy])
        ending = Ending("COMPLETE", "finished", value=accuracy, selected_epoch=1)
        study.recorder.end(begun.trial_id, ending, progress={"train_s": seconds})
    return study


def test_optuna_has_every_objective_and_the_front(database: str) -> None:
    _fill(FakeStudy(database, _spec(objectives=["accuracy", "train_s"])))
    stored = optuna.load_study(study_name="fake", storage=database)
    assert [each.name for each in stored.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert stored.metric_names == ["accuracy", "train_s"]
    assert [trial.values for trial in stored.trials] == [[x, s] for _, x, s in POINTS]
    assert [trial.number for trial in stored.best_trials] == [0, 1, 2]


def test_dgsearch_reads_the_first_objective_as_its_value(database: str) -> None:
    study = _fill(FakeStudy(database, _spec(objectives=["accuracy", "train_s"])))
    trials = read_trials(database, "fake")
    assert trials["value"].tolist() == [0.9, 0.7, 0.5, 0.4]
    assert trials["value/accuracy"].tolist() == [0.9, 0.7, 0.5, 0.4]
    assert trials["value/train_s"].tolist() == [90.0, 30.0, 10.0, 50.0]
    assert sorted(finished_values(study.engine, study.study_id).values()) == [0.4, 0.5, 0.7, 0.9]
    assert read_studies(database)["direction"].tolist() == ["MAXIMIZE"]
    (standing,) = standings(database, "fake")
    assert (standing.best, standing.best_trial) == (0.9, 0)


def test_a_metric_is_an_objective_too(database: str) -> None:
    metrics = {"record": ["calibration_error"]}
    spec = _spec(objectives=["accuracy", "calibration_error"], metrics=metrics)
    _fill(FakeStudy(database, spec))
    stored = optuna.load_study(study_name="fake", storage=database)
    assert [each.name for each in stored.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert [trial.values for trial in stored.trials] == [[x, x] for _, x, _ in POINTS]


@pytest.mark.parametrize("objectives", [[], ["accuracy", "train_s"]])
def test_optuna_knows_what_violates_a_constraint(database: str, objectives: list[str]) -> None:
    _fill(FakeStudy(database, _spec(objectives=objectives, constraints=["train_s <= 60"])))
    stored = optuna.load_study(study_name="fake", storage=database)
    excess = [trial.system_attrs["constraints"] for trial in stored.trials]
    assert excess == [[30.0], [-30.0], [-50.0], [-10.0]]
    if objectives:
        assert [trial.number for trial in stored.best_trials] == [1, 2]
    else:
        assert stored.best_trial.number == 1


def test_what_is_unknown_is_bad_to_optuna_and_unknown_to_dgsearch(database: str) -> None:
    goals = {"objectives": ["accuracy", "train_s"], "constraints": ["train_s <= 60"]}
    study = FakeStudy(database, _spec(**goals))
    begun = study.begin(planned(lambda_adv=0.5))
    study.recorder.end(begun.trial_id, Ending("COMPLETE", "finished", value=0.5))
    (trial,) = optuna.load_study(study_name="fake", storage=database).trials
    assert trial.values == [0.5, float("inf")]
    assert trial.system_attrs["constraints"][0] > 1e300
    goal = goal_of(study.spec)
    (outcome,) = finished_outcomes(study.engine, study.study_id, goal, targets=[]).values()
    assert outcome.values == pytest.approx((0.5, float("nan")), nan_ok=True)


def test_a_study_that_was_begun_with_one_direction_goes_on_with_it(database: str) -> None:
    study = FakeStudy(database, _spec(objectives=["accuracy", "train_s"]))
    with study.engine.begin() as connection:  # as the version before registered it
        connection.execute(delete(STUDY_DIRECTIONS).where(STUDY_DIRECTIONS.c.objective == 1))
    _fill(FakeStudy(database, study.spec))
    with study.engine.connect() as connection:
        assert set(connection.scalars(select(VALUES.c.objective))) == {0}
    stored = optuna.load_study(study_name="fake", storage=database)
    assert stored.best_trial.value == 0.9


def test_a_plain_study_stores_what_it_did_before(database: str) -> None:
    study = _fill(FakeStudy(database))
    with study.engine.connect() as connection:
        assert set(connection.scalars(select(VALUES.c.objective))) == {0}
        assert connection.execute(select(TRIAL_SYSTEM_ATTRIBUTES)).all() == []
