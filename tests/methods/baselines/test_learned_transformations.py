from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.methods.base import Values
from dgsearch.methods.baselines.learned_transformations import (
    ALT,
    Layers,
    agreement,
    drawn_layers,
    misled,
    total_variation,
    transformed,
)
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _images() -> Tensor:
    return (torch.arange(96.0) * 0.7).sin().abs().reshape(2, 3, 4, 4)


def _given_layers() -> Layers:
    """Weights without a draw: those that the released code was run with."""
    layers = []
    for place, inputs in enumerate((3, 18, 18, 18, 18)):
        outputs = 3 if place == 4 else 18
        count = outputs * inputs * 9
        weight = (torch.arange(float(count)) * (1.3 + place)).sin() * math.sqrt(2 / (9 * inputs))
        bias = (torch.arange(float(outputs)) + place).cos() * 0.1
        layers.append((weight.reshape(outputs, inputs, 3, 3), bias))
    return layers


def _classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(nn.Flatten(), 48, 3, normalise=nn.Identity())


def _batch() -> Batch:
    return Batch(_images(), torch.tensor([0, 2]))


def test_a_step_of_height_one_across_has_a_variation_of_two_over_its_neighbours() -> None:
    """Two rows of 0 0 1: squared differences across 0, 1, 0, 1, their mean is 1/2; down 0."""
    images = torch.tensor([[0.0, 0.0, 1.0]] * 2).reshape(1, 1, 2, 3)
    assert total_variation(images).item() == pytest.approx(1.0)


def test_views_that_agree_have_no_divergence_and_opposite_ones_ln_2() -> None:
    same = torch.tensor([[0.0, 1.0]])
    assert agreement([same, same, same], [1.0, 1.0, 1.0]).item() == pytest.approx(0.0, abs=1e-7)
    sure = torch.tensor([[50.0, -50.0]])
    assert agreement([sure, -sure], [1.0, 1.0]).item() == pytest.approx(math.log(2))


def test_images_and_losses_are_those_of_the_released_code() -> None:
    """`TransNet`, `TVLoss` and the trainer's loss of tejas-gokhale/ALT at b8bc0ab.

    They were run once outside this repository, on the same images, weights and logits.
    """
    images = transformed(_images(), _given_layers())
    assert images.mean().item() == pytest.approx(0.04196176, rel=1e-5)
    assert images[0, 0, 0].tolist() == pytest.approx([1e-4] * 4)
    assert images[1, 2, 3].tolist() == pytest.approx(
        [0.09652909, 0.09850664, 0.10386635, 0.10346459], rel=1e-5
    )
    assert total_variation(_images()).item() == pytest.approx(0.44160956, rel=1e-6)
    logits = [(torch.arange(6.0) * scale).sin().reshape(2, 3) * scale for scale in (1.0, 2.0, 9.0)]
    assert agreement(logits, [1, 1, 1]).item() == pytest.approx(0.28111896, rel=1e-5)
    assert agreement(logits, [1, 0.5, 1.5]).item() == pytest.approx(0.25859177, rel=1e-5)


def test_the_network_of_transformations_is_drawn_by_its_generator() -> None:
    first, again, other = (drawn_layers(_generator(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(one[0], two[0]) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
    weight, bias = first[1]
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 162), rel=0.05)
    assert bias.abs().max().item() <= 1 / math.sqrt(162)


def test_it_learns_to_mislead_and_leaves_the_classifier_alone() -> None:
    network, batch = _classifier(), _batch()
    before = {name: item.clone() for name, item in network.state_dict().items()}

    def gain(images: Tensor) -> float:
        loss = nn.functional.cross_entropy(network(images), batch.labels)
        return (loss - total_variation(images)).item()

    start = transformed(batch.images, drawn_layers(_generator()))
    found = misled(network, batch, drawn_layers(_generator()), steps=20, lr=1e-2)
    assert gain(found) > gain(start) + 0.01
    assert torch.equal(misled(network, batch, drawn_layers(_generator()), steps=0, lr=1e-2), start)
    assert network.training
    assert all(torch.equal(item, before[name]) for name, item in network.state_dict().items())
    assert all(item.grad is None for item in network.parameters())
    assert not found.requires_grad


def test_without_a_share_of_consistency_only_the_images_count() -> None:
    values = {**ALT.space.defaults(), "consistency_share": 0.0}
    settings = Settings(
        Values(values, stage="alt", reads=ALT.space.names), _generator(), num_classes=3
    )
    network, batch = _classifier(), _batch()
    expected = nn.functional.cross_entropy(network(batch.images), batch.labels)
    assert ALT.loss(network, batch, settings).item() == pytest.approx(expected.item())
