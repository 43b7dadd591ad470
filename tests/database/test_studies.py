from __future__ import annotations

import math

import pytest

from dgsearch.database.configurations import stored_configurations
from dgsearch.database.connection import open_for_writing
from dgsearch.database.halving_records import Cut, Judged, judged_trials, trial_key
from dgsearch.database.measured import Outcome, finished_outcomes
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending
from dgsearch.database.studies import (
    attempts,
    finished_values,
    register_study,
)
from dgsearch.designs.limits import parse_limit
from dgsearch.errors import StudyChangedError
from dgsearch.study.objectives import Goal
from tests.fakes import FakeStudy, fake_facts, fake_spec, planned


def test_registering_again_gives_the_same_study(database: str) -> None:
    first = FakeStudy(database)
    assert register_study(first.engine, first.spec, fake_facts(first.spec)) == first.study_id


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [0, 1, 2, 3]},
        {"resources": {"cpus": 2}},
        {"baselines": []},
        {"design": {"kind": "one-at-a-time", "vary": {"T": [1, 2, 3]}}},
    ],
)
def test_seeds_points_and_resources_may_change(database: str, changes: dict[str, object]) -> None:
    study = FakeStudy(database)
    spec = fake_spec(**changes)
    assert register_study(study.engine, spec, fake_facts(spec)) == study.study_id


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"hyperparameters": {"lr": 0.5}},
            "hyperparameters.lr: in the database nothing, in the file 0.5",
        ),
        (
            {"data": {**fake_spec().data.model_dump(), "validation": 0.3}},
            "data.validation: in the database 0.2, in the",
        ),
        ({"selection": "best"}, 'selection: in the database "last", in the file "best"'),
        ({"design": {"kind": "grid", "vary": {"T": [1]}}}, 'design.kind: in the database "one-at'),
    ],
)
def test_a_study_that_became_another_is_refused_with_the_difference(
    database: str, changes: dict[str, object], named: str
) -> None:
    study = FakeStudy(database)
    spec = fake_spec(**changes)
    with pytest.raises(StudyChangedError, match=named):
        register_study(study.engine, spec, fake_facts(spec))


def test_the_last_attempt_counts(database: str) -> None:
    study = FakeStudy(database)
    first = study.begin(planned())
    study.recorder.end(first.trial_id, Ending("FAIL", "interrupted"))
    study.recorder.begin(planned(), {}, attempt=2, continues=first.number)
    (last,) = attempts(study.engine, study.study_id).values()
    assert (last.number, last.state, last.stop_reason, last.attempt) == (1, "RUNNING", None, 2)


def test_configurations_and_values_come_back(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(T=7), 0.5)
    (stored,) = stored_configurations(study.engine, study.study_id, role="point").values()
    assert stored.values == planned(T=7).configuration.values
    key = planned(T=7).key
    assert finished_values(study.engine, study.study_id) == {key: 0.5}


def test_two_studies_in_one_file_do_not_mix(database: str) -> None:
    first, second = FakeStudy(database), FakeStudy(database, fake_spec(name="other"))
    first.complete(planned(), 0.5)
    second.complete(planned(), 0.6)
    second.complete(planned(T=1), 0.7)
    assert len(attempts(first.engine, first.study_id)) == 1
    assert read_trials(database, "other")["trial_number"].tolist() == [0, 1]
    assert open_for_writing(database).engine.url == first.engine.url


def test_halving_remembers_attempts_as_one_trial_and_no_confirmation(database: str) -> None:
    study = FakeStudy(database)
    study.recorder.judged = True
    lost = study.begin(planned())
    study.report(lost.trial_id, 1, 0.3, [0.3, 0.3])
    study.recorder.end(lost.trial_id, Ending("FAIL", "interrupted"))
    again = study.begin(planned())
    for epoch, value in ((1, 0.3), (2, 0.6)):
        study.report(again.trial_id, epoch, value, [value, value])
    stopped = study.begin(planned(T=1))
    study.report(stopped.trial_id, 1, 0.1, [0.1, 0.1])
    ending = Ending("PRUNED", "halved", rung=1, cutoff=0.3)
    study.recorder.end(stopped.trial_id, ending)
    study.recorder.judged = False
    study.complete(planned(seed=1), 0.9)  # a confirmation
    assert judged_trials(study.engine, study.study_id) == {
        trial_key(*planned().key): Judged([(1, 0.3), (2, 0.6)]),
        trial_key(*planned(T=1).key): Judged([(1, 0.1)], Cut(1, 0.3)),
    }


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_value_without_bound_is_read_as_it_was_reported(database: str, value: float) -> None:
    study = FakeStudy(database)
    study.recorder.judged = True
    trial = planned()
    study.complete(trial, value)
    assert finished_values(study.engine, study.study_id) == {trial.key: value}
    goal = Goal(("nll",), (False,), (parse_limit("nll <= 1"),))
    outcomes = finished_outcomes(study.engine, study.study_id, goal, targets=())
    assert outcomes == {trial.key: Outcome((value,), (value,))}
    (judged,) = judged_trials(study.engine, study.study_id).values()
    assert judged.reports == [(epoch, value) for epoch in (1, 2, 3)]


def test_a_trial_whose_value_is_no_number_is_infinitely_bad(database: str) -> None:
    study = FakeStudy(database)
    study.recorder.judged = True
    study.complete(planned(), math.nan)
    assert finished_values(study.engine, study.study_id) == {planned().key: -math.inf}
    assert judged_trials(study.engine, study.study_id) == {}
