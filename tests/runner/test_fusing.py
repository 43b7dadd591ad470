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
from tests.fakes import FakeStudy

RATES = [1e-4, 2e-4, 3e-4, 4e-4, 5e-4]
CHAIN = ["teacher", "data_free", "anchor"]


def _queue(
    database: str,
    vary: dict[str, Any],
    *,
    seeds: tuple[int, ...] = (0,),
    most: int | str = 8,
    slots: int = 1,
) -> PlannedQueue:
    raw = {
        "name": "fused",
        "method": "augkd",
        "seeds": list(seeds),
        "data": {"benchmark": "digits-mini", "source": ["textured"], "targets": ["photo"]},
        "design": {"kind": "grid", "vary": vary},
    }
    spec = parse_study(raw, catalogue(), file="fused.toml")
    spaces = {"augkd": find_method("augkd").space}
    study = FakeStudy(database)
    study_id = register_study(study.engine, spec, {})
    recorder = StudyRecorder(study.engine, study_id, study.driver.driver_id)
    distributions = distributions_of(plan_configurations(spec, spaces), spaces["augkd"])
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
    assert set(leader.beside) == {"anchor"}
    assert _beside(leader, "anchor_lr") == RATES[1:]


def test_they_wait_until_it_is_stored(database: str) -> None:
    queue = _queue(database, {"anchor_lr": RATES})
    (leader,) = _begin_all(queue)
    queue.provided(leader, CHAIN[:2])
    assert _begin_all(queue) == []
    queue.provided(leader, CHAIN)
    followers = _begin_all(queue)
    assert len(followers) == 4
    assert not any(one.beside for one in followers)


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
    assert leader.beside == {}


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
