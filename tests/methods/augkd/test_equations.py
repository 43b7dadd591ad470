"""AuG-KD's formulas: worked by hand, their limits and where gradients may flow."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dgsearch.methods.augkd import (
    batch_norm_loss,
    class_balance_loss,
    compose_anchor,
    distillation_loss,
    encoder_loss,
    energy,
    gaussian_divergence,
    invariance_loss,
    mix_with_anchor,
    mixup_ramp,
)


@pytest.mark.parametrize(
    ("epoch", "f"), [(0, 0.2), (30, 0.2 + 0.8 * 30 / 60), (60, 1.0), (99, 1.0)]
)
def test_the_linear_ramp_by_hand(epoch: int, f: float) -> None:
    assert mixup_ramp(epoch, a=0.6, b=0.2, epochs=100) == pytest.approx(f)


@pytest.mark.parametrize(("epoch", "f"), [(0, 0.2), (5, 0.2), (6, 0.28), (59, 0.92), (60, 1.0)])
def test_the_step_ramp_has_ten_levels(epoch: int, f: float) -> None:
    assert mixup_ramp(epoch, a=0.6, b=0.2, epochs=100, kind="step") == pytest.approx(f)


def test_the_constant_ramp_stays_where_it_starts() -> None:
    assert {mixup_ramp(epoch, a=0.1, b=0.3, epochs=9, kind="constant") for epoch in range(9)} == {
        0.3
    }


def test_a_short_ramp_is_over_after_the_first_epoch() -> None:
    assert mixup_ramp(1, a=0.1, b=0.0, epochs=5) == 1.0


@given(
    a=st.floats(0.01, 3),
    b=st.floats(0, 1),
    epochs=st.integers(1, 50),
    kind=st.sampled_from(["linear", "step", "constant"]),
)
def test_every_ramp_rises_within_its_bounds(a: float, b: float, epochs: int, kind: str) -> None:
    ramp = [mixup_ramp(epoch, a=a, b=b, epochs=epochs, kind=kind) for epoch in range(epochs)]  # type: ignore[arg-type]
    assert ramp[0] == pytest.approx(b)
    assert all(b - 1e-12 <= f <= 1 for f in ramp)
    assert ramp == sorted(ramp)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"a": 0.0, "b": 0.2}, "a must be > 0, got 0"),
        ({"a": 0.5, "b": 1.5}, r"b must be in \[0, 1\], got 1.5"),
        ({"a": 0.5, "b": 0.5, "kind": "cosine"}, 'kind must be "linear"'),
    ],
)
def test_a_bad_ramp_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixup_ramp(0, epochs=10, **settings)  # type: ignore[arg-type]


def test_energy_by_hand() -> None:
    logits = torch.tensor([[math.log(3), 0.0]])
    assert energy(logits).item() == pytest.approx(-math.log(4))
    # t = 2: -2 ln(sqrt(3) + 1)
    assert energy(logits, temperature=2.0).item() == pytest.approx(-2 * math.log(math.sqrt(3) + 1))
    with pytest.raises(ValueError, match="temperature must be > 0"):
        energy(logits, temperature=0.0)


def test_class_balance_by_hand() -> None:
    balanced = torch.log(torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
    assert class_balance_loss(balanced).item() == pytest.approx(-math.log(2))
    one_class = torch.tensor([[50.0, 0.0], [50.0, 0.0]])
    assert class_balance_loss(one_class).item() == pytest.approx(0.0, abs=1e-6)


def test_the_weight_of_the_class_balance_is_the_codes() -> None:
    assert 20 / math.log(10) == pytest.approx(8.686, abs=1e-3)


def test_batch_norm_loss_takes_one_norm_over_all_layers() -> None:
    means = [torch.tensor([3.0]), torch.tensor([0.0, 4.0])]
    variances = [torch.tensor([1.0]), torch.tensor([1.0, 13.0])]
    running = [torch.zeros(1), torch.zeros(2)]
    ones = [torch.ones(1), torch.ones(2)]
    loss = batch_norm_loss(means, variances, running, ones)
    assert loss.item() == pytest.approx(5.0 + 12.0)  # sqrt(9 + 16) and 12, not 3 + 4 + 12
    assert batch_norm_loss([], [], [], []).item() == 0.0


def test_gaussian_divergence_by_hand() -> None:
    mean, log_variance = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, math.log(2)]])
    expected = 0.5 + 0.5 * (2 - 1 - math.log(2))
    assert gaussian_divergence(mean, log_variance).item() == pytest.approx(expected)


def test_encoder_loss_sums_over_the_latent_dimensions_and_averages_over_samples() -> None:
    z = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    mean, log_variance = torch.ones(2, 2), torch.zeros(2, 2)
    loss = encoder_loss(z, mean, log_variance, torch.zeros(2, 2), weight=0.5)
    assert loss.item() == pytest.approx((2 + 0) / 2 + 0.5 * 1.0)
    noisy = encoder_loss(z, mean, log_variance, torch.ones(2, 2), weight=0.0)
    assert noisy.item() == pytest.approx((8 + 2) / 2)


def test_an_anchor_takes_the_masked_dimensions_from_the_mapping() -> None:
    z, mapped = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[9.0, 8.0, 7.0]])
    mask = torch.tensor([[1.0, 0.0, 0.5]])
    torch.testing.assert_close(compose_anchor(z, mapped, mask), torch.tensor([[9.0, 2.0, 5.0]]))
    torch.testing.assert_close(compose_anchor(z, mapped, torch.zeros(1, 3)), z)


def test_invariance_by_hand_and_whatever_the_batch() -> None:
    mask = torch.tensor([[1.0, 1.0, 0.0, 0.0]])  # sum 2, wanted 3: 1 of 4
    assert invariance_loss(mask, invariant=0.25).item() == pytest.approx(0.25)
    assert invariance_loss(mask.repeat(7, 1), invariant=0.25).item() == pytest.approx(0.25)
    assert invariance_loss(torch.ones(3, 4), invariant=0.0).item() == 0.0
    with pytest.raises(ValueError, match=r"invariant must be in \[0, 1\], got 2"):
        invariance_loss(mask, invariant=2)


def _decode(z: Tensor) -> Tensor:
    """Every pixel is the first latent dimension."""
    return z[:, :1, None, None].expand(-1, 3, 2, 2)


def test_mixing_with_an_anchor_by_hand() -> None:
    images = torch.ones(1, 3, 2, 2)
    z, anchors = torch.tensor([[0.5]]), torch.tensor([[0.1]])
    mixed = mix_with_anchor(images, z, anchors, _decode, f=0.25)
    # latent .75 * .1 + .25 * .5 = .2; pixels .75 * .2 + .25 * 1
    torch.testing.assert_close(mixed, torch.full_like(images, 0.4))


def test_the_limits_of_mixing_are_the_anchor_and_the_image() -> None:
    images = torch.rand(2, 3, 2, 2)
    z, anchors = torch.rand(2, 1), torch.rand(2, 1)
    assert mix_with_anchor(images, z, anchors, _decode, f=1.0) is images
    torch.testing.assert_close(
        mix_with_anchor(images, z, anchors, _decode, f=0.0), _decode(anchors)
    )


def test_distillation_by_hand() -> None:
    teacher = torch.log(torch.tensor([[0.75, 0.25]]))
    loss = distillation_loss(torch.zeros(1, 2), teacher, temperature=1.0)
    assert loss.item() == pytest.approx(0.130812, abs=1e-6)  # .75 ln 1.5 + .25 ln .5


def test_distillation_keeps_the_size_of_its_gradient_over_temperatures() -> None:
    teacher = torch.tensor([[0.2, -0.1, 0.05]])
    sizes = []
    for temperature in (1.0, 10.0):
        student = torch.zeros(1, 3, requires_grad=True)
        distillation_loss(student, teacher, temperature=temperature).backward()
        assert student.grad is not None
        sizes.append(student.grad.norm().item())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.15)


def test_no_gradient_flows_into_the_teacher() -> None:
    teacher = torch.tensor([[1.0, 0.0]], requires_grad=True)
    student = torch.zeros(1, 2, requires_grad=True)
    distillation_loss(student, teacher, temperature=2.0).backward()
    assert teacher.grad is None
    assert student.grad is not None
    assert student.grad.abs().sum() > 0


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_distillation_refuses_a_temperature_that_is_not_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature must be > 0"):
        distillation_loss(torch.zeros(1, 2), torch.zeros(1, 2), temperature=temperature)


def test_distillation_refuses_shapes_that_differ() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        distillation_loss(torch.zeros(1, 2), torch.zeros(1, 3), temperature=1.0)
