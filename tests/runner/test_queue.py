from __future__ import annotations

import dataclasses

import optuna
import pytest

from dgsearch.database.configurations import stored_configurations
from dgsearch.database.recorder import Ending
from dgsearch.database.studies import attempts
from dgsearch.designs.points import Configuration
from dgsearch.designs.search import best_configurations
from dgsearch.runner.distributions import distributions_of, proposal_distributions
from dgsearch.runner.history import History
from dgsearch.runner.proposals import ProposalQueue
from dgsearch.runner.queue import PlannedQueue
from dgsearch.runner.retries import given_up, is_open, is_retried, marked_anew
from dgsearch.study import Retries, Search
from dgsearch.study.plan import plan_configurations, plan_trials
from tests.fakes import DISTRIBUTIONS, SPACES, FakeStudy, fake_spec

SEARCH = {
    "kind": "search",
    "trials": 4,
    "confirm": 2,
    "vary": {
        "lambda_adv": {"low": 0.1, "high": 1.0, "log": True},
        "attention": ["feature", "plain"],
    },
}


def _queue(study: FakeStudy) -> PlannedQueue:
    earlier = attempts(study.engine, study.study_id)
    planned = plan_trials(study.spec, SPACES)
    return PlannedQueue(planned, earlier, study.recorder, DISTRIBUTIONS, share=False)


def _proposals(study: FakeStudy) -> ProposalQueue:
    assert isinstance(study.spec.design, Search)
    earlier = attempts(study.engine, study.study_id)
    history = History(study.engine, study.study_id)
    distributions = proposal_distributions(study.spec.design, SPACES["mpbm"])
    queue = ProposalQueue(study.spec, SPACES["mpbm"], history, study.recorder, distributions)
    queue.resume(earlier, stored_configurations(study.engine, study.study_id, role="point"))
    return queue


def test_every_planned_trial_is_begun_once(database: str) -> None:
    study = FakeStudy(database)
    queue = _queue(study)
    assert queue.total == 18
    begun = []
    while (trial := queue.begin_next()) is not None:
        begun.append(trial)
    assert [trial.started.number for trial in begun] == list(range(18))
    assert not queue.exhausted  # one that is lost would come again
    for trial in begun:
        queue.ended(trial, Ending("COMPLETE", "finished", value=0.5, selected_epoch=1))
    assert queue.exhausted
    assert len(attempts(study.engine, study.study_id)) == 18


def test_what_has_ended_is_not_begun_again_but_what_was_interrupted_is(database: str) -> None:
    study = FakeStudy(database)
    first = _queue(study)
    ends = [
        Ending("COMPLETE", "finished", value=0.5, selected_epoch=1),
        Ending("PRUNED", "halved"),
        Ending("FAIL", "failed"),
        Ending("FAIL", "interrupted"),
    ]
    for ending in ends:
        begun = first.begin_next()
        assert begun is not None
        study.recorder.end(begun.started.trial_id, ending)
    second = _queue(study)
    assert second.total == 15
    again = second.begin_next()
    assert again is not None
    assert (again.started.number, again.continues) == (4, 3)
    assert again.planned.key == begun.planned.key


def test_distributions_span_the_values_of_the_design() -> None:
    points = plan_configurations(fake_spec(), SPACES)
    distributions = distributions_of(points, SPACES["mpbm"])
    assert distributions["lambda_adv"] == optuna.distributions.FloatDistribution(0, 1)
    assert distributions["T"] == optuna.distributions.IntDistribution(1, 10)


def test_a_search_proposes_as_many_as_it_was_asked_for(database: str) -> None:
    study = FakeStudy(database, fake_spec(design=SEARCH))
    queue = _proposals(study)
    begun = []
    while (trial := queue.begin_next()) is not None:
        begun.append(trial)
        ending = Ending("COMPLETE", "finished", value=0.5, selected_epoch=1)
        study.recorder.end(trial.started.trial_id, ending)
    assert len(begun) == 4
    assert all(
        0.1 <= float(trial.planned.configuration.values["lambda_adv"]) <= 1 for trial in begun
    )
    assert {trial.planned.seed for trial in begun} == {0}
    assert len({trial.planned.configuration.config_id for trial in begun}) == 4


def test_a_search_goes_on_where_it_stopped(database: str) -> None:
    study = FakeStudy(database, fake_spec(design=SEARCH))
    first = _proposals(study)
    done, lost = first.begin_next(), first.begin_next()
    assert done is not None
    assert lost is not None
    study.recorder.end(
        done.started.trial_id, Ending("COMPLETE", "finished", value=0.5, selected_epoch=1)
    )
    study.recorder.end(lost.started.trial_id, Ending("FAIL", "interrupted"))
    second = _proposals(study)
    assert second.total == 3
    again = second.begin_next()
    assert again is not None
    assert again.planned.key == lost.planned.key
    assert again.continues == lost.started.number
    new = second.begin_next()
    assert new is not None
    assert new.planned.key not in (done.planned.key, lost.planned.key)


def test_a_repeated_proposal_is_trained_at_the_next_seed(database: str) -> None:
    design = SEARCH | {"vary": {"attention": ["feature"]}, "trials": 3}
    queue = _proposals(FakeStudy(database, fake_spec(design=design)))
    seeds = [begun.planned.seed for begun in (queue.begin_next() for _ in range(3)) if begun]
    assert seeds == [0, 1, 2]


def test_the_best_configurations_come_first() -> None:
    made = {name: Configuration("m", {"x": place}) for place, name in enumerate("abc")}
    losses = {("a", 0): [-0.1], ("b", 0): [-0.9], ("c", 0): [-0.5], ("unknown", 0): [-1.0]}
    assert best_configurations(losses, {}, made, 2, [0]) == [made["b"], made["c"]]


def test_a_trial_that_another_driver_has_begun_is_passed_over(database: str) -> None:
    study = FakeStudy(database)
    mine, theirs = _queue(study), _queue(study)
    first = mine.begin_next()
    second = theirs.begin_next()
    assert first is not None
    assert second is not None
    assert first.planned.key != second.planned.key
    while mine.begin_next() is not None:
        continue
    assert theirs.begin_next() is None
    trials = attempts(study.engine, study.study_id)
    assert len(trials) == 18
    assert sorted(attempt.number for attempt in trials.values()) == list(range(18))


def test_a_lost_trial_comes_again_and_goes_on_from_its_checkpoint(database: str) -> None:
    study = FakeStudy(database)
    queue = _queue(study)
    lost = queue.begin_next()
    assert lost is not None
    ending = Ending("FAIL", "interrupted", error_type="WorkerDied")
    study.recorder.end(lost.started.trial_id, ending)
    queue.ended(lost, ending)
    begun = []
    while (trial := queue.begin_next()) is not None:
        begun.append(trial)
    assert len(begun) == 18
    again = next(trial for trial in begun if trial.planned.key == lost.planned.key)
    assert (again.continues, again.attempt) == (lost.started.number, 2)
    assert again.losses == {"WorkerDied": 1}


def test_a_failed_trial_that_shall_run_anew_is_begun_once_more_from_its_beginning(
    database: str,
) -> None:
    study = FakeStudy(database)
    begun = _queue(study).begin_next()
    assert begun is not None
    study.recorder.end(begun.started.trial_id, Ending("FAIL", "failed", error_type="E"))
    earlier = attempts(study.engine, study.study_id)
    marked = marked_anew(earlier, given_up(earlier.values(), Retries()))
    planned = [begun.planned]
    queues = [
        PlannedQueue(planned, marked, study.recorder, DISTRIBUTIONS, share=False) for _ in range(2)
    ]
    again = queues[0].begin_next()
    assert again is not None
    assert (again.attempt, again.continues) == (2, None)
    assert queues[1].begin_next() is None  # another driver has it
    study.recorder.end(again.started.trial_id, Ending("FAIL", "failed", error_type="E"))
    late = PlannedQueue(planned, marked, study.recorder, DISTRIBUTIONS, share=False)
    assert late.begin_next() is None  # it has failed again; it was to be tried once


def test_a_trial_that_was_interrupted_too_often_is_given_up(database: str) -> None:
    study = FakeStudy(database)
    retries = Retries(interrupted=1)
    for _ in range(2):
        begun = _queue(study).begin_next()
        assert begun is not None
        study.recorder.end(begun.started.trial_id, Ending("FAIL", "interrupted"))
    attempt = attempts(study.engine, study.study_id)[begun.planned.key]
    assert attempt.losses == {"Interrupted": 2}
    assert not is_open(attempt, retries)
    assert is_open(attempt, Retries(interrupted=2))


@pytest.mark.parametrize(
    ("error_type", "losses", "expected"),
    [
        ("WorkerDied", {}, True),
        ("WorkerDied", {"WorkerDied": 1}, True),
        ("WorkerDied", {"WorkerDied": 2}, False),
        ("OutOfMemoryError", {"WorkerDied": 2}, True),
        ("OutOfMemoryError", {"OutOfMemoryError": 1}, False),
        ("TrainingError", {}, False),
        ("RuntimeError", {}, False),
    ],
)
def test_only_what_the_trial_is_not_to_blame_for_is_retried(
    error_type: str, losses: dict[str, int], expected: bool
) -> None:
    assert is_retried(error_type, losses, Retries(out_of_memory=1, lost_worker=2)) is expected


def test_two_drivers_of_a_search_share_its_proposals(database: str) -> None:
    study = FakeStudy(database, fake_spec(baselines=[], design=SEARCH))
    other = FakeStudy(database, study.spec)
    queues = [_proposals(study), _proposals(other)]
    begun = [queue.begin_next() for _ in range(4) for queue in queues]
    assert sum(trial is not None for trial in begun) == 4
    assert len(attempts(study.engine, study.study_id)) == 4
    for queue, own in zip(queues, (begun[::2], begun[1::2]), strict=True):
        for trial in own:
            if trial is not None:
                queue.ended(trial, Ending("COMPLETE", "finished", value=0.5, selected_epoch=1))
        assert queue.exhausted
    assert sum(queue.total for queue in queues) == 4


def test_a_finished_search_is_extended_by_as_many_as_it_grows(database: str) -> None:
    study = FakeStudy(database, fake_spec(baselines=[], design=SEARCH))
    queue = _proposals(study)
    proposed = [queue.begin_next() for _ in range(4)]
    for trial in proposed:
        assert trial is not None
        study.recorder.end(trial.started.trial_id, Ending("COMPLETE", "finished", value=0.5))
    best = proposed[0]
    assert best is not None
    for seed in (1, 2):  # its confirmations are no proposals
        study.complete(dataclasses.replace(best.planned, seed=seed), 0.5)
    study.spec = fake_spec(baselines=[], design={**SEARCH, "trials": 6})
    assert _proposals(study).total == 2
