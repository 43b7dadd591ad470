"""Several objectives, constraints, known points and another study's trials in a search."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from dgsearch.database.configurations import stored_configurations
from dgsearch.database.recorder import Ending
from dgsearch.database.rows import ENQUEUED
from dgsearch.database.studies import attempts
from dgsearch.designs.points import PlannedTrial
from dgsearch.errors import SamplerError
from dgsearch.runner.distributions import proposal_distributions
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.history import History
from dgsearch.runner.proposals import ProposalQueue
from dgsearch.runner.warm_start import informing_trials
from dgsearch.study.objectives import goal_of
from tests.fakes import SPACES, FakeStudy, fake_spec, planned

VARY = {"lambda_adv": {"low": 0.0, "high": 1.0}}
DISTRIBUTIONS = proposal_distributions(
    fake_spec(design={"kind": "search", "trials": 1, "vary": VARY}).design, SPACES["mpbm"]
)


def _spec(name: str = "fake", **design: Any) -> Any:
    other = {key: design.pop(key) for key in ("hyperparameters", "metrics") if key in design}
    made = {"kind": "search", "trials": 16, "vary": VARY} | design
    return fake_spec(name=name, design=made, baselines=[], **other)


def _queue(study: FakeStudy) -> tuple[ProposalQueue, History]:
    history = History(
        study.engine,
        study.study_id,
        goal=goal_of(study.spec),
        targets=study.spec.data.targets,
    )
    space = SPACES["mpbm"]
    distributions = proposal_distributions(study.spec.design, space)
    history.inform(informing_trials(study.engine, study.spec, space, distributions), distributions)
    queue = ProposalQueue(study.spec, space, history, study.recorder, distributions)
    earlier = attempts(study.engine, study.study_id)
    queue.resume(earlier, stored_configurations(study.engine, study.study_id, role="point"))
    return queue, history


def _run(study: FakeStudy) -> tuple[list[float], History]:
    """Searches where accuracy and time rise together: both are λ_adv."""
    queue, history = _queue(study)
    found = []
    while (begun := queue.begin_next()) is not None:
        at = float(begun.planned.configuration.values["lambda_adv"])
        found.append(at)
        study.report(begun.started.trial_id, 1, at, [at, at])
        ending = Ending("COMPLETE", "finished", value=at, selected_epoch=1)
        study.recorder.end(begun.started.trial_id, ending, progress={"train_s": 100 * at})
    return found, history


def _remembered(history: History) -> list[optuna.trial.FrozenTrial]:
    trials = history._memory.get_all_trials(history._memory_id)
    return [trial for trial in trials if trial.state == TrialState.COMPLETE]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "qmc", "random"])
def test_samplers_learn_every_objective_and_constraint(database: str, sampler: str) -> None:
    goals = {"objectives": ["accuracy", "train_s"], "constraints": ["train_s <= 50"]}
    study = FakeStudy(database, _spec(sampler=sampler, **goals))
    found, history = _run(study)
    assert len(found) == 16
    for at, trial in zip(found, _remembered(history), strict=False):
        assert trial.values == pytest.approx([at, 100 * at])
        assert trial.system_attrs["constraints"] == pytest.approx([100 * at - 50])


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_constraint_draws_proposals_within_it(database: str, sampler: str) -> None:
    study = FakeStudy(database, _spec(sampler=sampler, trials=30, constraints=["train_s <= 40"]))
    found, _ = _run(study)
    learnt = found[10:]
    assert sum(at <= 0.5 for at in learnt) >= 14  # 10 of 20 at random; else they would go to 1
    assert max(at for at in learnt if at <= 0.4) > 0.36


def test_a_metric_is_that_of_the_selection_split(database: str) -> None:
    metrics = {"record": ["calibration_error"]}
    spec = _spec(metrics=metrics, constraints=["calibration_error <= 0.3"], trials=2)
    study = FakeStudy(database, spec)
    (first, _), history = _run(study)
    history.propose(DISTRIBUTIONS, optuna.samplers.RandomSampler(seed=0))
    assert _remembered(history)[0].system_attrs["constraints"] == pytest.approx([first - 0.3])


def test_a_trial_without_one_of_the_numbers_teaches_nothing(database: str) -> None:
    study = FakeStudy(database, _spec(objectives=["accuracy", "train_s"]))
    begun = study.begin(planned(lambda_adv=0.5))
    study.recorder.end(begun.trial_id, Ending("COMPLETE", "finished", value=0.5))
    queue, history = _queue(study)
    assert queue.begin_next() is not None
    assert _remembered(history) == []


def test_the_front_is_confirmed(database: str) -> None:
    spec = _spec(objectives=["accuracy", "train_s"], confirm=2)
    study = FakeStudy(database, spec)
    for at, seconds in ((0.9, 90.0), (0.5, 10.0), (0.4, 50.0), (0.7, 30.0)):
        begun = study.begin(planned(lambda_adv=at))
        study.report(begun.trial_id, 1, at, [at, at])
        ending = Ending("COMPLETE", "finished", value=at, selected_epoch=1)
        study.recorder.end(begun.trial_id, ending, progress={"train_s": seconds})
    ended = StoredEnds(study.engine, study.study_id, spec)
    _, confirming = spec.design.phases(spec, SPACES, halving=False)
    trials: list[PlannedTrial] = list(confirming.trials(ended))
    assert {trial.configuration.values["lambda_adv"] for trial in trials} == {0.9, 0.5}
    assert {trial.seed for trial in trials} == {0, 1, 2}


def test_known_points_run_first_and_are_marked(database: str) -> None:
    points = [{"lambda_adv": 0.75}, {"lambda_adv": 0.25}]
    study = FakeStudy(database, _spec(trials=4, enqueue=points, sampler="random"))
    queue, _ = _queue(study)
    first = queue.begin_next()
    assert first is not None
    study.recorder.end(first.started.trial_id, Ending("COMPLETE", "finished", value=0.5))
    found, _ = _run(study)  # another driver goes on where that one was killed
    assert found[0] == 0.25
    assert len(found) == 3
    stored = optuna.load_study(study_name="fake", storage=database).trials
    marks = [trial.system_attrs.get(ENQUEUED) for trial in stored]
    assert marks == [{"lambda_adv": 0.75}, {"lambda_adv": 0.25}, None, None]


def test_two_drivers_run_each_known_point_once(database: str) -> None:
    points = [{"lambda_adv": 0.75}, {"lambda_adv": 0.25}]
    study = FakeStudy(database, _spec(trials=6, enqueue=points))
    queues = [_queue(study)[0], _queue(FakeStudy(database, study.spec))[0]]
    begun = [queue.begin_next() for _ in range(6) for queue in queues]
    made = [trial.planned.configuration.values["lambda_adv"] for trial in begun if trial]
    assert len(made) == 6
    assert made[:2] == [0.75, 0.25]
    assert len(set(made)) == 6


def test_another_study_informs_the_sampler_and_is_not_counted(database: str) -> None:
    wider = {"lambda_adv": {"low": 0.0, "high": 2.0}}
    earlier = FakeStudy(database, _spec("earlier", vary=wider, sampler="random", trials=12))
    before, _ = _run(earlier)
    study = FakeStudy(database, _spec(warm_start="earlier", trials=3))
    queue, history = _queue(study)
    within = [at for at in before if at <= 1]
    assert 0 < len(within) < 12
    assert [trial.params["lambda_adv"] for trial in _remembered(history)] == within
    assert queue.total == 3
    _run(study)
    assert len(attempts(study.engine, study.study_id)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warm_start": "earlyer"}, "is no study of the database; allowed: earlier"),
        ({"warm_start": "fake"}, "is this study itself; allowed: earlier"),
        (
            {"metrics": {"select": "macro_f1"}},
            "its metrics.select is 'accuracy', here it is 'macro_f1', so its values are on",
        ),
        ({"hyperparameters": {"T": 9}}, "none of its 2 finished trials of mpbm has the values"),
        ({"vary": {"lambda_adv": [7.0]}}, "none of its 2 finished trials of mpbm has the values"),
    ],
)
def test_a_study_that_cannot_inform_is_refused_with_the_reason(
    database: str, changes: dict[str, Any], message: str
) -> None:
    _run(FakeStudy(database, _spec("earlier", sampler="random", trials=2)))
    study = FakeStudy(database, _spec(**({"warm_start": "earlier"} | changes)))
    with pytest.raises(SamplerError, match=r"design\.warm_start = ") as caught:
        _queue(study)
    assert message in str(caught.value)
