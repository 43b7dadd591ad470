"""What a study file may say of a search: objectives, constraints, known points."""

from __future__ import annotations

from typing import Any

import pytest

from dgsearch.designs.limits import Limit, parse_limit
from dgsearch.designs.points import Configuration
from dgsearch.designs.ranking import best_points, front
from dgsearch.designs.search import best_configurations
from dgsearch.errors import StudyFileError
from dgsearch.study.objectives import Goal, goal_of
from tests.fakes import fake_spec

VARY = {"lambda_adv": {"low": 0.0, "high": 1.0}, "attention": ["feature", "plain"]}
KNOWN = {"lambda_adv": 0.5, "attention": "plain"}


def _spec(**changes: Any) -> Any:
    other = {name: changes.pop(name) for name in ("halving", "metrics") if name in changes}
    return fake_spec(design={"kind": "search", "trials": 5, "vary": VARY} | changes, **other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": ["accuracy", "trains_s"]}, "design.objectives[1] = 'trains_s': is not recorded; allowed: accuracy, train_s, peak_memory_mb; did you mean 'train_s'?"),
        ({"objectives": ["train_s", "accuracy"]}, "design.objectives[0] = 'train_s': the first one selects epochs and must be 'accuracy'"),
        ({"objectives": ["accuracy", "train_s"], "halving": {}}, "halving: stops trials by one number, and design.objectives has 2; remove [halving], or keep one objective"),
        ({"objectives": ["accuracy", "accuracy"]}, "values must differ"),
        ({"constraints": ["train_s < 60"]}, "design.constraints[0] = 'train_s < 60': must look like NAME <= NUMBER or NAME >= NUMBER"),
        ({"constraints": ["train_s <= soon"]}, "must look like NAME <= NUMBER"),
        ({"constraints": ["macro_f1 >= 0.5"]}, "design.constraints[0] = 'macro_f1 >= 0.5': its number is not recorded; allowed: accuracy"),
        ({"warm_start": "x", "sampler": "nsga2"}, "design.warm_start = 'x': nsga2 learns nothing from another study; choose tpe or gp"),
        ({"enqueue": [{"lambda_adv": 0.5}]}, "design.enqueue[0].attention: is missing; give a value"),
        ({"enqueue": [KNOWN | {"T": 1}]}, "design.enqueue[0].T: is not varied; allowed: lambda_adv, attention"),
        ({"enqueue": [KNOWN | {"lambda_adv": 2.0}]}, "design.enqueue[0].lambda_adv = 2.0: is outside design.vary.lambda_adv, 0 to 1"),
        ({"enqueue": [KNOWN | {"attention": "none"}]}, "design.enqueue[0].attention = 'none': allowed: feature, plain"),
        ({"enqueue": [KNOWN, KNOWN | {"lambda_adv": 0}, KNOWN]}, "values must differ"),
        ({"enqueue": [KNOWN | {"lambda_adv": 0}, KNOWN | {"lambda_adv": 0.0}]}, "design.enqueue[1]: repeats design.enqueue[0]; remove one of them"),
        ({"enqueue": [KNOWN, KNOWN | {"lambda_adv": 0.1}], "trials": 1}, "design.enqueue: has 2 points, and design.trials is 1; raise it"),
    ],
)  # fmt: skip
def test_each_problem_of_a_search_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        _spec(**changes)
    assert message in str(caught.value)


def test_a_constraint_on_a_recorded_metric_is_read() -> None:
    spec = _spec(constraints=["macro_f1>=0.5", "train_s <= 6e1"], metrics={"record": ["macro_f1"]})
    assert goal_of(spec).limits == (Limit("macro_f1", False, 0.5), Limit("train_s", True, 60.0))
    assert goal_of(spec).measured == ("macro_f1", "train_s")


def test_directions_are_those_of_the_metrics() -> None:
    objectives = ["accuracy", "calibration_error", "train_s"]
    goal = goal_of(_spec(objectives=objectives, metrics={"record": ["calibration_error"]}))
    assert goal.maximise == (True, False, False)
    assert goal.losses((0.9, 0.1, 30.0)) == (-0.9, 0.1, 30.0)


def test_a_limit_is_exceeded_by_as_much_as_the_number_lies_beyond_it() -> None:
    assert parse_limit("train_s <= 60").excess(70.0) == 10.0
    assert parse_limit("accuracy >= 0.5").excess(0.75) == -0.25
    goal = Goal(("accuracy",), (True,), (parse_limit("accuracy >= 0.5"),))
    assert goal.excesses(0.25, {}) == (0.25,)


def test_a_front_holds_what_no_other_point_dominates() -> None:
    assert front([(1, 4), (2, 2), (3, 3), (4, 1), (2, 2)]) == [True, True, False, True, True]


def test_of_a_long_front_its_ends_and_points_between_are_taken() -> None:
    losses = {f"p{at}": (float(at), float(-at)) for at in range(9)} | {"dominated": (5.0, 5.0)}
    assert best_points(losses, {}, 3) == ["p0", "p4", "p8"]
    assert best_points(losses, {}, 99) == [f"p{at}" for at in range(9)]


def test_points_within_the_constraints_come_first() -> None:
    losses = {"a": [-0.9], "b": [-0.5], "c": [-0.7], "d": [float("nan")]}
    assert best_points(losses, {"a": 3.0, "c": 1.0}, 2) == ["b", "c"]
    assert best_points(losses, {"a": 3.0, "b": 2.0, "c": 1.0}, 2) == ["c", "b"]


def test_configurations_are_judged_at_the_seed_that_all_have() -> None:
    made = {name: Configuration("m", {"x": name}) for name in "ab"}
    losses = {("a", 0): [-0.4], ("a", 1): [-0.9], ("b", 0): [-0.5]}
    assert best_configurations(losses, {}, made, 1, [0, 1]) == [made["b"]]
