"""Students of several trials distilled together: the same numbers as one after another."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dgsearch.methods.augkd.distill_cohort import FUSABLE_DISTILLATION, DistillationCohort
from dgsearch.methods.base import CannotFuse, restore_state, state_of
from tests.methods.cohorts_of import agreeing, augkd_stage, shape_of, state, students

pytestmark = pytest.mark.usefixtures("few_generated")

SEEDS = (0, 0, 0, 1)  # the first three draw the same batches and latent vectors
MEMBERS = (
    {"lr": 1e-3, "kd_weight": 0.2},
    {"lr": 3e-3, "kd_temperature": 2.0},  # its ramp is that of the one before it
    {"a": 0.25, "b": 0.5},  # f reaches 1 after one of four epochs
    {"a": 0.9, "b": 0.0, "weight_decay": 0.01},
)
CHANGES: dict[str, dict[str, Any]] = {
    "default": {},
    "random anchors": {"anchor": "random", "augment": "crop_flip"},
    "mixed alone": {"batch": "mixed", "distillation": "self", "lr_schedule": "cosine"},
    "raw": {"batch": "raw", "anchor": "none"},
    "raw from scratch": {"batch": "raw", "student_start": "scratch"},
    "taught on mixed": {"kd_on": "mixed", "anchor": "class_centroid"},
    "labels alone": {"distillation": "none", "ramp": "step", "optimiser": "sgd"},
    "never mixed": {"mixup": "off", "student_network": "convnet-small"},
}
KINDS = pytest.mark.parametrize("kind", CHANGES)


def _runs(kind: str) -> list[Any]:
    return students(MEMBERS, SEEDS, "distill", epochs=4, **CHANGES[kind])


def _same(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12)


@KINDS
def test_trained_together_they_are_what_they_are_alone(kind: str, double: None) -> None:
    alone, together = _runs(kind), _runs(kind)
    cohort = DistillationCohort(together)
    for epoch in (1, 2, 3):
        _same(cohort.train_epoch(epoch), [run.train_epoch(epoch) for run in alone])
    for one, other in zip(alone, together, strict=True):
        agreeing(state(one), state(other), 1e-8)


def test_a_member_may_leave_and_be_restored_alone(double: None) -> None:
    alone, together, again = (_runs("default") for _ in range(3))
    DistillationCohort(together).train_epoch(1)
    kept = [copy.deepcopy(state_of(run.parts())) for run in together]
    for run, parts in zip(again, kept, strict=True):
        restore_state(run.parts(), parts)
    expected = [[run.train_epoch(epoch) for run in alone] for epoch in (1, 2)]
    left, *others = together
    _same([left.train_epoch(2), *DistillationCohort(others).train_epoch(2)], expected[1])
    _same([again[0].train_epoch(2), *DistillationCohort(again[1:]).train_epoch(2)], expected[1])
    for one, other, third in zip(alone, together, again, strict=True):
        agreeing(state(one), state(other), 1e-8)
        agreeing(state(one), state(third), 1e-8)


def test_a_checkpoint_has_the_form_of_one_that_was_trained_alone() -> None:
    alone, together = _runs("default")[0], _runs("default")
    alone.train_epoch(1)
    DistillationCohort(together).train_epoch(1)
    found, expected = shape_of(state_of(together[0].parts())), shape_of(state_of(alone.parts()))
    assert found == expected


def test_members_differ_in_numbers_that_change_no_control_flow() -> None:
    stage, *_ = augkd_stage("distill")
    assert stage.fusable is FUSABLE_DISTILLATION
    assert set(FUSABLE_DISTILLATION.over) < set(stage.reads)


def test_the_released_code_is_trained_alone() -> None:
    with pytest.raises(CannotFuse, match="official"):
        DistillationCohort(students([{}], [0], "distill", preset="official"))
