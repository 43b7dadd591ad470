from __future__ import annotations

import pytest
import torch
from torch import nn

from dgsearch.methods.input_gradients import input_gradient, quick_input_gradients
from dgsearch.methods.networks import build_network

CPU = torch.device("cpu")


def _gradient(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    position = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(position).square().sum(), position)
    return gradient


def test_a_gradient_by_hand() -> None:
    """One output that is 1 at a single place: its input's gradient is the kernel, there."""
    weight = torch.arange(1.0, 13.0).reshape(1, 3, 2, 2)
    gradient = torch.zeros(1, 1, 4, 4)
    gradient[0, 0, 1, 2] = 1.0
    expected = torch.zeros(1, 3, 5, 5)
    expected[0, :, 1:3, 2:4] = weight[0]
    assert torch.equal(input_gradient(gradient, weight, (0, 0)), expected)


@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 0)])
@pytest.mark.parametrize("size", [7, 8, 10])
def test_it_is_the_gradient_of_the_convolution(padding: tuple[int, int], size: int) -> None:
    layer = nn.Conv2d(3, 16, (5, 3), padding=padding).double().requires_grad_(False)
    images = torch.rand(2, 3, size, size, dtype=torch.float64, requires_grad=True)
    found = layer(images)
    gradient = torch.randn_like(found)
    (expected,) = torch.autograd.grad(found, images, gradient)
    quick = input_gradient(gradient, layer.weight, padding)
    assert quick.shape == images.shape
    assert torch.allclose(quick, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["convnet-small", "convnet-teacher", "convnet-student"])
def test_a_network_gives_the_same_gradient_within_rounding(name: str) -> None:
    network = build_network(name, num_classes=3, image_size=32, seed=0, device=CPU)
    network.eval().requires_grad_(False)
    images = torch.rand(6, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    expected = _gradient(network, images)
    with quick_input_gradients(network):
        found = _gradient(network, images)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6 * float(expected.abs().max()))
    assert torch.equal(_gradient(network, images), expected)  # it is as it was


def test_layers_that_differ_keep_their_own_code() -> None:
    layers = [
        nn.Conv2d(16, 8, 3),  # many channels
        nn.Conv2d(3, 8, 3, stride=2),
        nn.Conv2d(3, 8, 3, padding="same"),
        nn.Conv2d(3, 8, 3, padding_mode="circular", padding=1),
        nn.Conv2d(3, 8, 1),
        nn.Conv2d(3, 8, 3, padding=3),
        nn.Conv2d(3, 8, 3).double(),
    ]
    with quick_input_gradients(nn.ModuleList(layers)):
        assert not any("forward" in vars(layer) for layer in layers)
    plain = nn.Conv2d(3, 8, 3)
    with quick_input_gradients(plain):
        assert "forward" in vars(plain)
        weights = torch.autograd.grad(plain(torch.rand(1, 3, 5, 5)).sum(), plain.weight)
        assert weights[0].shape == plain.weight.shape  # weights that need gradients get them
    assert "forward" not in vars(plain)
