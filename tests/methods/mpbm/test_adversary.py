from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dgsearch.methods.mpbm import Walk, make_queries
from dgsearch.methods.mpbm.adversary import frozen


class Linear(nn.Module):
    """Logits that are linear in the pixels, with dropout to see in which mode it is."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(12, 3)
        self.drop = nn.Dropout(0.5)
        self.modes: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.modes.append(self.training)
        logits: Tensor = self.layer(self.drop(images.flatten(1)))
        return logits


def _make(network: nn.Module, images: Tensor, seed: int = 0, **changes: float) -> Tensor:
    settings = {"langevin_steps": 3, "step_size": 1e-2, "noise_scale": 1.0} | changes
    walk = Walk(int(settings["langevin_steps"]), settings["step_size"], settings["noise_scale"])
    labels = torch.arange(len(images)) % 3
    generator = torch.Generator().manual_seed(seed)
    return make_queries(network, images, labels, walk=walk, generator=generator)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(6, 3, 2, 2, generator=torch.Generator().manual_seed(1))


def test_without_noise_the_loss_of_each_image_rises(images: Tensor) -> None:
    network, labels = Linear().eval(), torch.arange(6) % 3
    query = _make(network, images, noise_scale=0.0, step_size=0.1)
    loss = nn.CrossEntropyLoss(reduction="none")
    assert (loss(network(query), labels) > loss(network(images), labels)).all()


def test_an_image_moves_the_same_in_any_batch(images: Tensor) -> None:
    network = Linear()
    together = _make(network, images, noise_scale=0.0)
    alone = torch.cat(
        [
            make_queries(
                network,
                images[i : i + 1],
                torch.tensor([i % 3]),
                walk=Walk(3, 1e-2, 0.0),
                generator=torch.Generator(),
            )
            for i in range(6)
        ]
    )
    torch.testing.assert_close(together, alone)


def test_queries_stay_in_the_range_of_pixels(images: Tensor) -> None:
    query = _make(Linear(), images, step_size=10.0)
    assert query.min() >= 0
    assert query.max() <= 1
    assert not query.requires_grad


def test_no_steps_return_the_images(images: Tensor) -> None:
    torch.testing.assert_close(_make(Linear(), images, langevin_steps=0), images)


def test_the_network_is_left_as_it_was(images: Tensor) -> None:
    network = Linear().train()
    network.layer.bias.requires_grad_(False)
    before = [parameter.clone() for parameter in network.parameters()]
    _make(network, images)
    assert network.training
    assert set(network.modes) == {False}
    assert [item.requires_grad for item in network.parameters()] == [True, False]
    assert all(item.grad is None for item in network.parameters())
    for now, then in zip(network.parameters(), before, strict=True):
        torch.testing.assert_close(now, then)


def test_the_noise_depends_on_the_generator(images: Tensor) -> None:
    network = Linear()
    torch.testing.assert_close(_make(network, images, seed=3), _make(network, images, seed=3))
    assert not torch.equal(_make(network, images, seed=3), _make(network, images, seed=4))


def test_frozen_restores_after_an_error() -> None:
    network = Linear().train()
    with pytest.raises(RuntimeError, match="stop"), frozen(network):
        raise RuntimeError("stop")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
