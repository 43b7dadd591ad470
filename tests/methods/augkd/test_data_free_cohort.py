"""Data-free stages of several trials together: the same numbers as one after another."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dgsearch.methods.augkd.data_free_cohort import FUSABLE_DATA_FREE, DataFreeCohort
from dgsearch.methods.base import CannotFuse, restore_state, state_of
from tests.methods.cohorts_of import agreeing, augkd_stage, shape_of, state, students

SEEDS = (0, 0, 1)
MEMBERS = (
    {"data_free_lr": 1e-3},
    {"data_free_lr": 3e-3, "encoder_lr": 1e-3, "balance_weight": 2.0},
    {"batch_norm_weight": 0.2, "divergence_weight": 0.1},
)
SMALL = {"generator_steps": 2, "student_steps": 2, "generated_batch": 6, "generator_epochs": 4}
KINDS = pytest.mark.parametrize("student", ["convnet-student", "convnet-small"])


def _runs(student: str) -> list[Any]:
    return students(MEMBERS, SEEDS, "data_free", student_network=student, **SMALL)


def _same(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def _agree(first: Any, second: Any) -> None:
    """Compare what checkpoints hold.

    The gradient of a bias before a batch norm is zero but for rounding, and Adam divides it by
    its own size: such biases, which change no output, agree less closely.
    """
    agreeing(state(first), state(second), within=1e-6)


@KINDS
def test_trained_together_they_are_what_they_are_alone(student: str, double: None) -> None:
    alone, together = _runs(student), _runs(student)
    cohort = DataFreeCohort(together)
    for epoch in (1, 2):
        _same(cohort.train_epoch(epoch), [run.train_epoch(epoch) for run in alone])
    for one, other in zip(alone, together, strict=True):
        _agree(one, other)


def test_a_member_may_leave_and_be_restored_alone(double: None) -> None:
    alone, together, again = (_runs("convnet-student") for _ in range(3))
    DataFreeCohort(together).train_epoch(1)
    kept = [copy.deepcopy(state_of(run.parts())) for run in together]
    for run, parts in zip(again, kept, strict=True):
        restore_state(run.parts(), parts)
    expected = [[run.train_epoch(epoch) for run in alone] for epoch in (1, 2)]
    left, *others = together
    _same([left.train_epoch(2), *DataFreeCohort(others).train_epoch(2)], expected[1])
    _same([again[0].train_epoch(2), *DataFreeCohort(again[1:]).train_epoch(2)], expected[1])


def test_a_checkpoint_has_the_form_of_one_that_was_trained_alone() -> None:
    alone, together = _runs("convnet-student")[0], _runs("convnet-student")
    alone.train_epoch(1)
    DataFreeCohort(together).train_epoch(1)
    found, expected = shape_of(state_of(together[0].parts())), shape_of(state_of(alone.parts()))
    assert found == expected


def test_members_differ_in_numbers_that_change_no_control_flow() -> None:
    stage, *_ = augkd_stage("data_free")
    assert stage.fusable is FUSABLE_DATA_FREE
    assert set(FUSABLE_DATA_FREE.over) < set(stage.reads)


def test_the_released_code_is_trained_alone() -> None:
    with pytest.raises(CannotFuse, match="official"):
        DataFreeCohort(students([{}], [0], "data_free", preset="official", **SMALL))
