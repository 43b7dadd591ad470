from __future__ import annotations

from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import register_study
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.runner.distributions import distributions_of
from dgsearch.runner.queue import Begun, PlannedQueue
from dgsearch.space import Space
from dgsearch.study import StudySpec
from dgsearch.study.loading import parse_study
from dgsearch.study.plan import plan_configurations, plan_trials
from tests.fakes import FakeStudy

GRID = {
    "name": "grid",
    "method": "augkd",
    "baselines": ["kd"],
    "seeds": [0, 1],
    "data": {"benchmark": "digits-mini", "source": ["textured"], "targets": ["photo"]},
    "design": {"kind": "grid", "vary": {"a": [0.2, 0.6], "b": [0.0, 0.5]}},
}
DONE = Ending("COMPLETE", "finished", value=0.5, selected_epoch=1)


def _planning() -> tuple[StudySpec, dict[str, Space]]:
    spec = parse_study(GRID, catalogue(), file="grid.toml")
    return spec, {name: find_method(name).space for name in ("augkd", "kd")}


def _queue(database: str) -> PlannedQueue:
    spec, spaces = _planning()
    study = FakeStudy(database)
    study_id = register_study(study.engine, spec, {})
    distributions = distributions_of(plan_configurations(spec, spaces), spaces["augkd"])
    recorder = StudyRecorder(study.engine, study_id, study.driver.driver_id)
    return PlannedQueue(plan_trials(spec, spaces), {}, recorder, distributions)


def _begin_all(queue: PlannedQueue) -> list[Begun]:
    begun = []
    while (trial := queue.begin_next()) is not None:
        begun.append(trial)
    return begun


def test_one_trial_a_seed_makes_the_shared_stages_while_the_others_wait(database: str) -> None:
    queue = _queue(database)
    leaders = _begin_all(queue)
    assert [trial.planned.seed for trial in leaders] == [0, 1]
    assert not queue.exhausted


def test_trials_come_as_soon_as_what_they_need_is_there(database: str) -> None:
    queue = _queue(database)
    leader, other = _begin_all(queue)
    queue.provided(leader, ["teacher"])
    (from_scratch,) = _begin_all(queue)  # kd needs nothing but the teacher
    assert from_scratch.planned.configuration.method == "kd"
    queue.provided(leader, ["teacher", "data_free"])
    assert _begin_all(queue) == []
    queue.provided(leader, ["teacher", "data_free", "anchor"])
    assert {trial.planned.seed for trial in _begin_all(queue)} == {leader.planned.seed}
    queue.provided(other, ["teacher", "data_free", "anchor"])
    assert len(_begin_all(queue)) == 4
    assert queue.total == 10


def test_where_the_first_dies_the_next_takes_its_place(database: str) -> None:
    queue = _queue(database)
    leader, _ = _begin_all(queue)
    queue.ended(leader, Ending("FAIL", "failed", error_type="TrainingError"))
    (second,) = _begin_all(queue)
    assert second.planned.seed == leader.planned.seed
    assert second.planned.key != leader.planned.key


def test_every_trial_comes_once(database: str) -> None:
    queue = _queue(database)
    keys = []
    while not queue.exhausted:
        for begun in _begin_all(queue):
            keys.append(begun.planned.key)
            queue.ended(begun, DONE)
    assert len(keys) == len(set(keys)) == 10


def test_trials_whose_stages_are_stored_already_all_come_at_once(database: str) -> None:
    queue = _queue(database)
    for trial in plan_trials(*_planning()):
        queue.stored(trial, ["teacher", "data_free", "anchor"])
    begun = _begin_all(queue)
    assert len(begun) == 10
    assert not any(one.leads for one in begun)


def test_only_a_trial_for_which_others_may_wait_leads(database: str) -> None:
    queue = _queue(database)
    leaders = _begin_all(queue)
    assert all(one.leads for one in leaders)
    for leader in leaders:
        queue.provided(leader, ["teacher", "data_free", "anchor"])
    followers = [one for one in _begin_all(queue) if one.planned.configuration.method == "augkd"]
    assert followers
    assert not any(one.leads for one in followers)
