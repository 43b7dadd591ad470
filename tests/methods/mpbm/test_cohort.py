"""Rounds of several trials together: the same numbers as one after another."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dgsearch.errors import TrainingError
from dgsearch.methods.base import CannotFuse, restore_state, state_of
from dgsearch.methods.mpbm.cohort import FUSABLE_ROUNDS, AlternationCohort
from dgsearch.methods.mpbm.method import ALTERNATE
from tests.methods.cohorts_of import agreeing, rounds, shape_of, state

MEMBERS = (
    {"lr": 1e-3, "lambda_adv": 0.1, "generator_lr": 1e-3},
    {"lr": 3e-3, "lambda_mix": 2.0, "step_size": 0.05, "weight_decay": 0.01},
    {"lambda_adv": 2.0, "noise_scale": 0.3, "generator_lr": 1e-2},
)
CHANGES: dict[str, dict[str, Any]] = {
    "default": {},
    "batch norm": {"network": "convnet-student", "query_gradient": "on"},
    "features": {"query_space": "features", "query_gradient": "on", "layer_norm": "on"},
    "appearance": {"query_space": "appearance", "label": "same_class", "gradient": "head_only"},
    "sign": {"query": "sgld_sign", "train_on_query": 0.5, "scale": "row_norm"},
    "noise": {"query": "noise", "generator_mix_loss": "maximise", "label": "query"},
    "fgsm": {"query": "fgsm", "attention": "plain", "adversarial_form": "minimax"},
    "no walk": {"query": "none", "adversarial_alignment": "off", "augment": "crop_flip"},
    "refreshed": {"correlation_refresh": "every_round", "lr_schedule": "cosine"},
}
KINDS = pytest.mark.parametrize("kind", CHANGES)


def _runs(kind: str) -> list[Any]:
    return rounds(MEMBERS, **CHANGES[kind])


def _same(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12, nan_ok=True)


@KINDS
def test_trained_together_they_are_what_they_are_alone(kind: str, double: None) -> None:
    alone, together = _runs(kind), _runs(kind)
    cohort = AlternationCohort(together)
    for epoch in (1, 2):
        _same(cohort.train_epoch(epoch), [run.train_epoch(epoch) for run in alone])
    for one, other in zip(alone, together, strict=True):
        agreeing(state(one), state(other))


@pytest.mark.parametrize("kind", ["default", "batch norm"])
def test_a_member_may_leave_and_be_restored_alone(kind: str, double: None) -> None:
    alone, together, again = _runs(kind), _runs(kind), _runs(kind)
    AlternationCohort(together).train_epoch(1)
    kept = [copy.deepcopy(state_of(run.parts())) for run in together]
    for run, parts in zip(again, kept, strict=True):
        restore_state(run.parts(), parts)
    expected = [[run.train_epoch(epoch) for run in alone] for epoch in (1, 2)]
    left, *others = together
    _same([left.train_epoch(2), *AlternationCohort(others).train_epoch(2)], expected[1])
    _same([again[0].train_epoch(2), *AlternationCohort(again[1:]).train_epoch(2)], expected[1])
    for one, other, third in zip(alone, together, again, strict=True):
        agreeing(state(one), state(other))
        agreeing(state(one), state(third))


@pytest.mark.parametrize("kind", ["default", "no walk"])
def test_a_checkpoint_has_the_form_of_one_that_was_trained_alone(kind: str) -> None:
    alone, together = _runs(kind)[0], _runs(kind)
    alone.train_epoch(1)
    AlternationCohort(together).train_epoch(1)
    found, expected = shape_of(state_of(together[0].parts())), shape_of(state_of(alone.parts()))
    assert found == expected


def test_members_differ_in_numbers_that_change_no_control_flow() -> None:
    assert ALTERNATE.fusable is FUSABLE_ROUNDS
    assert set(FUSABLE_ROUNDS.over) < set(ALTERNATE.reads)
    assert not {"T", "N_b", "query", "train_on_query"} & set(FUSABLE_ROUNDS.over)


def test_an_attention_that_is_not_learned_is_refused() -> None:
    with pytest.raises(CannotFuse, match='attention = "uniform"'):
        AlternationCohort(rounds(MEMBERS, attention="uniform"))


def test_a_member_that_diverges_is_named() -> None:
    rates = [{"lr": 1e-3}, {"lr": 1e30}]
    cohort = AlternationCohort(rounds(rates, optimiser="sgd", momentum=0.0))
    cohort.train_epoch(1)
    fine, broken = cohort.train_epoch(2)
    assert isinstance(broken, TrainingError)
    assert "loss = nan" in str(broken)
    assert not isinstance(fine, TrainingError)
