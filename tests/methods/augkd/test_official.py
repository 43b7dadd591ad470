"""`preset = "official"`: numbers computed from the released code, IshiKura-a/AuG-KD f0f6174.

They were made by filling its networks' k-th parameter with 0.08 sin(i + k), i over its numbers,
and by calling them in training mode on sines; only the numbers are kept here.
"""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.methods.augkd.equations import batch_norm_loss, class_balance_loss, encoder_loss
from dgsearch.methods.augkd.modules import AnchorNet, Encoder, Generator
from dgsearch.methods.augkd.official import official_anchor_loss
from dgsearch.methods.losses import distillation_loss
from dgsearch.methods.registry import find_method

LATENT, CLASSES = 6, 3
LABELS = torch.tensor([0, 1, 2, 1])


def _filled(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        for place, weights in enumerate(network.parameters()):
            numbers = torch.arange(weights.numel(), dtype=torch.float32) + place
            weights.copy_(0.08 * torch.sin(numbers).reshape(weights.shape))
    return network.train()


def _latent() -> Tensor:
    return torch.sin(torch.arange(24.0)).reshape(4, LATENT)


def _count(network: nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters())


def test_the_networks_have_the_released_numbers_of_parameters() -> None:
    assert _count(AnchorNet(100, 31, official=True)) == 74_052
    assert _count(AnchorNet(100, 31)) == 74_052 - 10_100  # one linear layer fewer
    assert _count(Encoder(100, 256, 31, 32, official=True)) == 3_681_884
    assert _count(Generator(100, 256, 32, official=True)) == 2_026_051


def test_anchors_and_mask_are_the_released_ones() -> None:
    network = _filled(AnchorNet(LATENT, CLASSES, official=True))
    anchors, mask = network(_latent(), LABELS)
    assert anchors[0].tolist() == pytest.approx(
        [-0.000471, 0.841471, 0.909297, 0.141120, -0.749922, -0.939802], abs=1e-5
    )
    assert mask[0].tolist() == pytest.approx([0.008099, 0, 0, 0, 0.008338, 0.019422], abs=1e-5)
    assert float(anchors.sum().detach()) == pytest.approx(1.081219, abs=1e-4)
    logits = 3 * torch.sin(torch.arange(12.0)).reshape(4, CLASSES)
    loss = official_anchor_loss(logits, LABELS, mask, invariant=0.25)
    assert float(loss.detach()) == pytest.approx(-3.187643, abs=1e-4)


def test_the_encoders_mean_is_the_released_one() -> None:
    network = _filled(Encoder(LATENT, 16, CLASSES, 8, official=True))
    images = (0.5 * torch.sin(torch.arange(4.0 * 3 * 64)) + 0.5).reshape(4, 3, 8, 8)
    mean, log_variance = network(images, LABELS)
    assert mean[0].tolist() == pytest.approx(
        [-0.109200, -0.083199, 0.026159, 0.107260, 0.079586, -0.025016], abs=1e-5
    )
    assert float(log_variance.sum().detach()) == pytest.approx(0.135683, abs=1e-4)


def test_generated_images_are_the_released_ones() -> None:
    images = _filled(Generator(LATENT, 16, 8, official=True))(_latent())
    assert float(images.sum().detach()) == pytest.approx(378.263458, abs=1e-2)


def test_losses_are_the_released_ones() -> None:
    """Sums over the batch there are means here: both were divided by its size."""
    teacher = 3 * torch.sin(torch.arange(12.0)).reshape(4, CLASSES)
    student = 2 * torch.cos(torch.arange(12.0)).reshape(4, CLASSES)
    mean, variance = torch.sin(torch.arange(6.0)), 0.5 * torch.cos(torch.arange(6.0))
    norms = batch_norm_loss([mean], [variance], [torch.zeros(6)], [torch.zeros(6)])
    divergence = distillation_loss(student, teacher, temperature=1.0)
    assert float(divergence) == pytest.approx(1.78844988, abs=1e-5)
    labels = F.cross_entropy(teacher, teacher.argmax(dim=1))
    generator = -divergence + labels + 20 / math.log(10) * class_balance_loss(teacher) + norms
    assert float(generator) == pytest.approx(-7.96325254, abs=1e-4)
    ramp = torch.arange(24.0).reshape(4, LATENT)
    found = 0.5 * torch.cos(ramp), 0.1 * torch.sin(ramp + 1)
    noise = torch.full((4, LATENT), 0.3)
    encoder = encoder_loss(torch.sin(ramp), *found, noise, weight=2.5e-4)
    assert float(encoder) == pytest.approx(3.92588472, abs=1e-4)
    softened = distillation_loss(student, teacher, temperature=10.0)
    distilled = 0.5 * F.cross_entropy(student, LABELS) + 0.5 * softened
    assert float(distilled) == pytest.approx(2.34065604, abs=1e-4)


def test_weights_start_within_the_released_bounds() -> None:
    network = AnchorNet(100, 31, official=True)
    first = network.to_mask[0]
    assert isinstance(first, nn.Linear)
    assert 0.07 < float(first.weight.detach().abs().max()) <= 0.08
    assert not bool(first.bias.detach().any())


def test_only_stages_of_the_preset_read_it() -> None:
    method = find_method("augkd")
    for preset, version in (("own", 1), ("official", 2)):
        stages = method.stages(method.space.resolve({"preset": preset}))
        assert [("preset" in stage.reads) for stage in stages] == [version == 2] * 4
        assert [stage.version for stage in stages[1:]] == [version] * 3
