"""Which waiting trials' stages a trial trains beside its own."""

from __future__ import annotations

from typing import Any

from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import register_study
from dgsearch.endings import StopReason
from dgsearch.methods.registry import catalogue, find_method
from dgsearch.runner.distributions import distributions_of
from dgsearch.runner.fusing import Fusing, Room
from dgsearch.runner.queue import Begun, PlannedQueue
from dgsearch.study.loading import parse_study
from dgsearch.study.plan import plan_configurations, plan_trials
from dgsearch.trainable.reports import EpochReport, Parted
from tests.fakes import FakeStudy

RATES = [1e-4, 2e-4, 3e-4, 4e-4, 5e-4]
FINISHED = Ending("COMPLETE", StopReason.FINISHED, value=0.5, selected_epoch=9)
CHAIN = ["teacher", "data_free", "anchor"]


def _queue(
    database: str,
    vary: dict[str, Any],
    *,
    seeds: tuple[int, ...] = (0,),
    most: int | str = 8,
    slots: int = 1,
    method: str = "augkd",
) -> PlannedQueue:
    raw = {
        "name": "fused",
        "method": method,
        "seeds": list(seeds),
        "data": {"benchmark": "digits-mini", "source": ["textured"], "targets": ["photo"]},
        "design": {"kind": "grid", "vary": vary},
    }
    spec = parse_study(raw, catalogue(), file="fused.toml")
    spaces = {method: find_method(method).space}
    study = FakeStudy(database)
    study_id = register_study(study.engine, spec, {})
    recorder = StudyRecorder(study.engine, study_id, study.driver.driver_id)
    distributions = distributions_of(plan_configurations(spec, spaces), spaces[method])
    fusing = Fusing(most, lambda: Room("cpu", slots))
    return PlannedQueue(plan_trials(spec, spaces), {}, recorder, distributions, fusing=fusing)


def _begin_all(queue: PlannedQueue) -> list[Begun]:
    begun = []
    while (trial := queue.begin_next()) is not None:
        begun.append(trial)
    return begun


def _beside(begun: Begun, name: str) -> list[Any]:
    return [other.configuration.values[name] for other in begun.beside.get("anchor", ())]


def test_the_first_trains_the_anchors_of_the_others(database: str) -> None:
    (leader,) = _begin_all(_queue(database, {"anchor_lr": RATES}))
    assert leader.planned.configuration.values["anchor_lr"] == RATES[0]
    assert set(leader.beside) == {"anchor", "distill"}
    assert _beside(leader, "anchor_lr") == RATES[1:]


def test_they_wait_until_it_is_stored(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES})
    (leader,) = _begin_all(queue)
    queue.provided(leader, CHAIN[:2])
    assert _begin_all(queue) == []
    queue.provided(leader, CHAIN)
    assert _begin_all(queue) == []  # their last stages are trained, too
    queue.ended(leader, FINISHED)
    second, *others = _begin_all(queue)
    assert "anchor" not in second.beside
    assert len(others) == 0


def test_where_it_dies_the_next_one_trains_them(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES})
    (leader,) = _begin_all(queue)
    queue.ended(leader, Ending("FAIL", "failed", error_type="TrainingError"))
    (second,) = _begin_all(queue)
    assert second.planned.configuration.values["anchor_lr"] == RATES[1]
    assert _beside(second, "anchor_lr") == RATES[2:]


def test_one_that_ran_out_of_memory_is_tried_again_by_itself(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES})
    (leader,) = _begin_all(queue)
    lost = Ending("FAIL", StopReason.INTERRUPTED, error_type="OutOfMemoryError")
    queue._recorder.end(leader.started.trial_id, lost)
    queue.ended(leader, lost)
    (again,) = _begin_all(queue)
    assert again.attempt == 2
    assert again.beside == {}


def test_a_cohort_is_no_larger_than_asked(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES}, most=3)
    (leader,) = _begin_all(queue)
    assert _beside(leader, "anchor_lr") == RATES[1:3]
    queue.provided(leader, CHAIN[:2])
    (second,) = _begin_all(queue)
    assert _beside(second, "anchor_lr") == RATES[4:]


def test_each_slot_gets_a_part(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES}, slots=2)
    (leader,) = _begin_all(queue)
    assert _beside(leader, "anchor_lr") == RATES[1:3]  # 3 of 5, and 2 for the other slot
    queue.provided(leader, CHAIN[:2])
    (second,) = _begin_all(queue)
    assert _beside(second, "anchor_lr") == RATES[4:]


def test_what_makes_another_program_is_not_trained_beside(database: str) -> None:
    vary = {"anchor_lr": RATES[:2], "anchor_epochs": [2, 3]}
    (leader,) = _begin_all(_queue(database, vary))
    epochs = leader.planned.configuration.values["anchor_epochs"]
    assert _beside(leader, "anchor_epochs") == [epochs]


def test_trials_that_share_the_stage_are_no_companions(database: str) -> None:
    (leader,) = _begin_all(_queue(database, {"a": [0.2, 0.6, 1.0]}))
    assert set(leader.beside) == {"distill"}


def test_teachers_of_several_seeds_are_one_program(database: str) -> None:
    queue = _queue(database, {"a": [0.2, 0.6]}, seeds=(0, 1, 2))
    (leader,) = _begin_all(queue)
    assert [other.seed for other in leader.beside["teacher"]] == [1, 2]
    queue.provided(leader, CHAIN[:1])
    (second,) = _begin_all(queue)
    assert second.planned.seed == 1
    assert [other.seed for other in second.beside["data_free"]] == [2]


def test_on_a_cpu_auto_leaves_convolutions_alone(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES}, seeds=(0, 1), most="auto")
    leaders = _begin_all(queue)
    assert [set(leader.beside) for leader in leaders] == [{"anchor"}, {"anchor"}]


def _erm(database: str, *, count: int = 5, most: int = 8, slots: int = 1) -> PlannedQueue:
    vary = {"lr": RATES[:count]}
    return _queue(database, vary, method="erm", most=most, slots=slots)


def _last(begun: Begun) -> list[float]:
    return [other.configuration.values["lr"] for other in begun.beside.get("erm", ())]


def _epoch(epoch: int, *parted: Parted) -> EpochReport:
    return EpochReport("erm", epoch, 9, True, 0.5, (), 1.0, parted=parted)


def _ended(queue: PlannedQueue, begun: Begun, ending: Ending) -> None:
    queue._recorder.end(begun.started.trial_id, ending)
    queue.ended(begun, ending)


HALVED = Ending("PRUNED", StopReason.HALVED, rung=1, cutoff=0.6, selected_epoch=1)
LOST = Ending("FAIL", StopReason.INTERRUPTED, error_type="WorkerDied")


def test_last_stages_are_trained_ahead_and_their_trials_wait(database: str) -> None:
    queue = _erm(database)
    (leader,) = _begin_all(queue)
    assert _last(leader) == RATES[1:]
    queue.provided(leader, ["pretrain"])
    assert _begin_all(queue) == []
    assert not queue.exhausted
    queue.trained(leader, _epoch(9, *(Parted(place, 9) for place in range(4))))
    followers = _begin_all(queue)
    assert [one.planned.configuration.values["lr"] for one in followers] == RATES[1:]
    assert not any(one.beside for one in followers)  # they are at their end


def test_those_left_at_a_rung_are_taken_along_by_one_that_stands_there(database: str) -> None:
    queue = _erm(database)
    (leader,) = _begin_all(queue)
    queue.provided(leader, ["pretrain"])
    queue.trained(leader, _epoch(1, Parted(1, 1), Parted(3, 1)))  # of places 0 to 3
    (second,) = _begin_all(queue)
    assert second.planned.configuration.values["lr"] == RATES[2]
    assert _last(second) == [RATES[4]]
    queue.trained(leader, _epoch(3))
    _ended(queue, leader, HALVED)  # those that trained on with it stand at epoch 3
    (third,) = _begin_all(queue)
    assert third.planned.configuration.values["lr"] == RATES[1]
    assert _last(third) == [RATES[3]]


def test_where_a_worker_dies_its_trial_takes_the_same_along(database: str) -> None:
    queue = _erm(database)
    (leader,) = _begin_all(queue)
    queue.provided(leader, ["pretrain"])
    queue.trained(leader, _epoch(2, Parted(3, 0)))
    _ended(queue, leader, LOST)
    again, *others = _begin_all(queue)
    assert again.planned == leader.planned
    assert _last(again) == RATES[1:4]
    assert [_last(one) for one in others] == [[]]  # the one that had left, from the start


def test_a_leader_that_fails_before_its_last_stage_changes_nothing(database: str) -> None:
    queue = _erm(database)
    (leader,) = _begin_all(queue)
    _ended(queue, leader, Ending("FAIL", StopReason.FAILED, error_type="TrainingError"))
    (second,) = _begin_all(queue)
    assert _last(second) == RATES[2:]


def test_each_slot_gets_a_cohort_of_last_stages(database: str) -> None:
    queue = _erm(database, slots=2)
    (leader, second) = _begin_all(queue)
    assert (_last(leader), _last(second)) == (RATES[1:3], RATES[4:])


def test_averaged_weights_train_together_with_others(database: str) -> None:
    vary = {"lr": RATES, "averaging": ["swad", "off"]}
    (leader,) = _begin_all(_queue(database, vary, method="erm", most=16))
    beside = leader.beside["erm"]
    assert {other.configuration.values["averaging"] for other in beside} == {"swad", "off"}
