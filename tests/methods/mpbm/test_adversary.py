from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dgsearch.methods.mpbm import Walk, make_queries
from dgsearch.methods.mpbm.adversary import frozen, recolour
from dgsearch.methods.networks import Classifier


class Dropping(Classifier):
    """A linear classifier with dropout, to see in which mode it is."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        extractor = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 4))
        super().__init__(extractor, 4, 3)
        self.modes: list[bool] = []

    def features(self, images: Tensor) -> Tensor:
        self.modes.append(self.training)
        return super().features(images)


def _make(network: Classifier, images: Tensor, seed: int = 0, **changes: Any) -> Tensor:
    walk = Walk(**({"langevin_steps": 3, "step_size": 1e-2} | changes))
    labels = torch.arange(len(images)) % 3
    generator = torch.Generator().manual_seed(seed)
    return make_queries(network, images, labels, walk=walk, generator=generator).images


@pytest.fixture
def images() -> Tensor:
    return torch.rand(6, 3, 2, 2, generator=torch.Generator().manual_seed(1))


def test_without_noise_the_loss_of_each_image_rises(images: Tensor) -> None:
    network, labels = Dropping().eval(), torch.arange(6) % 3
    query = _make(network, images, noise_scale=0.0, step_size=0.1)
    loss = nn.CrossEntropyLoss(reduction="none")
    assert (loss(network(query), labels) > loss(network(images), labels)).all()


def test_an_image_moves_the_same_in_any_batch(images: Tensor) -> None:
    network = Dropping()
    together = _make(network, images, noise_scale=0.0)
    alone = torch.cat(
        [
            make_queries(
                network,
                images[i : i + 1],
                torch.tensor([i % 3]),
                walk=Walk(langevin_steps=3, step_size=1e-2, noise_scale=0.0),
                generator=torch.Generator(),
            ).images
            for i in range(6)
        ]
    )
    torch.testing.assert_close(together, alone)


def test_queries_stay_in_the_range_of_pixels(images: Tensor) -> None:
    query = _make(Dropping(), images, step_size=10.0)
    assert query.min() >= 0
    assert query.max() <= 1
    assert not query.requires_grad


def test_no_steps_return_the_images(images: Tensor) -> None:
    torch.testing.assert_close(_make(Dropping(), images, langevin_steps=0), images)


def test_the_network_is_left_as_it_was(images: Tensor) -> None:
    network = Dropping().train()
    network.head.bias.requires_grad_(False)
    before = [parameter.clone() for parameter in network.parameters()]
    _make(network, images)
    assert network.training
    assert set(network.modes) == {False}
    assert [item.requires_grad for item in network.parameters()] == [True, True, True, False]
    assert all(item.grad is None for item in network.parameters())
    for now, then in zip(network.parameters(), before, strict=True):
        torch.testing.assert_close(now, then)


def test_the_noise_depends_on_the_generator(images: Tensor) -> None:
    network = Dropping()
    torch.testing.assert_close(_make(network, images, seed=3), _make(network, images, seed=3))
    assert not torch.equal(_make(network, images, seed=3), _make(network, images, seed=4))


def test_frozen_restores_after_an_error() -> None:
    network = Dropping().train()
    with pytest.raises(RuntimeError, match="stop"), frozen(network):
        raise RuntimeError("stop")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_ratio_of_first_steps_is_that_of_their_lengths(images: Tensor) -> None:
    network, labels = Dropping(), torch.zeros(6, dtype=torch.int64)
    walk = Walk(langevin_steps=1, step_size=0.02, noise_scale=0.5)
    query = make_queries(
        network, images, labels, walk=walk, generator=torch.Generator().manual_seed(0)
    )
    noise = torch.randn(6, 2, 2, 3, generator=torch.Generator().manual_seed(0))
    network.eval()
    position = images.clone().requires_grad_(True)
    nn.functional.cross_entropy(network(position), labels, reduction="sum").backward()
    assert position.grad is not None
    step = 0.02 * position.grad.flatten(1).norm(dim=1)
    spread = 0.5 * 0.2 * noise.flatten(1).norm(dim=1)
    torch.testing.assert_close(query.gradient_to_noise, step / spread)


def test_recolouring_matches_hand_computation() -> None:
    image = torch.tensor([0.2, 0.4, 0.6]).reshape(1, 3, 1, 1)
    change = torch.zeros(1, 12)
    torch.testing.assert_close(recolour(image, change), image)
    change[0, 1], change[0, 9], change[0, 11] = 0.5, 0.1, 9.0
    expected = torch.tensor([0.2 + 0.5 * 0.4 + 0.1, 0.4, 1.0]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(recolour(image, change), expected)


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, True),
        ({"kind": "fgsm"}, True),
        ({"space": "features"}, True),
        ({"kind": "noise"}, False),  # its walk asks for no features of the start
        ({"langevin_steps": 0}, False),
        ({"space": "appearance"}, False),
    ],
)
def test_the_features_of_the_start_come_with_the_walk(
    images: Tensor, changes: dict[str, Any], known: bool
) -> None:
    network = Dropping().eval()
    walk = Walk(**({"langevin_steps": 2} | changes))
    labels = torch.arange(6) % 3
    query = make_queries(network, images, labels, walk=walk, generator=torch.Generator())
    assert (query.start_features is not None) == known
    if query.start_features is not None:
        with torch.no_grad():
            assert torch.equal(query.start_features, network.features(images))
        assert not query.start_features.requires_grad
