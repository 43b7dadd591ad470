from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dgsearch.methods.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    prediction_loss,
    soft_cross_entropy,
)


def test_soft_cross_entropy_matches_hand_computation() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    loss = soft_cross_entropy(logits, torch.tensor([[0.5, 0.5, 0.0]]))
    assert loss.item() == pytest.approx(1.0397208, abs=1e-6)  # .5 ln 2 + .5 ln 4


def test_soft_cross_entropy_of_hard_labels_is_cross_entropy() -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 1, 0])
    hard = torch.nn.functional.cross_entropy(logits, labels)
    one_hot = torch.nn.functional.one_hot(labels, 3).float()
    torch.testing.assert_close(soft_cross_entropy(logits, one_hot), hard)


def test_no_gradient_flows_into_the_soft_label() -> None:
    target = torch.tensor([[0.5, 0.5]], requires_grad=True)
    logits = torch.zeros(1, 2, requires_grad=True)
    soft_cross_entropy(logits, target).backward()
    assert target.grad is None
    assert logits.grad is not None


def test_soft_cross_entropy_insists_on_equal_shapes() -> None:
    with pytest.raises(ValueError, match=r"shapes differ: \(2, 3\), \(2, 4\)"):
        soft_cross_entropy(torch.zeros(2, 3), torch.zeros(2, 4))


def test_a_discriminator_that_knows_nothing_pays_two_ln_two() -> None:
    loss = discriminator_loss(torch.zeros(4), torch.zeros(4))
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_discriminator_loss_matches_hand_computation() -> None:
    # D(real) = .75, D(synthetic) = .25: -(ln .75 + ln .75)
    real, synthetic = torch.tensor([math.log(3)]), torch.tensor([-math.log(3)])
    assert discriminator_loss(real, synthetic).item() == pytest.approx(0.575364, abs=1e-6)


def test_the_generators_two_forms_match_hand_computation() -> None:
    synthetic = torch.tensor([-math.log(3)])  # D = .25
    assert generator_adversarial_loss(synthetic).item() == pytest.approx(1.386294, abs=1e-6)
    saturating = generator_adversarial_loss(synthetic, saturating=True)
    assert saturating.item() == pytest.approx(-0.287682, abs=1e-6)  # ln .75


def test_both_forms_push_the_logit_up() -> None:
    for saturating in (False, True):
        logit = torch.zeros(1, requires_grad=True)
        generator_adversarial_loss(logit, saturating=saturating).backward()
        assert logit.grad is not None
        assert logit.grad.item() < 0


@given(weight=st.floats(0, 100), mixed=st.floats(0, 10))
def test_prediction_loss_is_the_weighted_sum(weight: float, mixed: float) -> None:
    loss = prediction_loss(torch.tensor(1.0), torch.tensor(mixed), weight=weight)
    assert loss.item() == pytest.approx(1 + weight * mixed, rel=1e-5)


def test_prediction_loss_rejects_a_negative_weight() -> None:
    with pytest.raises(ValueError, match="lambda_mix must be >= 0, got -1"):
        prediction_loss(torch.tensor(1.0), torch.tensor(1.0), weight=-1)
