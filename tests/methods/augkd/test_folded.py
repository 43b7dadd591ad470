from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dgsearch.methods.augkd import folded
from dgsearch.methods.augkd.folded import FoldedGenerator, folded_teacher
from dgsearch.methods.augkd.modules import Generator
from dgsearch.methods.networks import build_network


def _as_if_trained(network: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for numbers in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                assert numbers is not None
                numbers.data.uniform_(0.5, 1.5)
    return network.eval().requires_grad_(False)


def _with_gradient(network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What a network makes of inputs, and the gradient of a sum of it."""
    position = inputs.detach().requires_grad_(True)
    found = network(position)
    weights = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).reshape(found.shape)
    (gradient,) = torch.autograd.grad((found * weights).sum(), position)
    return found.detach(), gradient


@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("most", [2**22, 0])
def test_a_folded_generator_makes_the_same_images(
    official: bool, most: int, double: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folded, "_MOST_WEIGHTS", most)  # as a matrix, and layer by layer
    generator = Generator(5, 8, 12, official=official)
    _as_if_trained(generator)
    z = torch.randn(4, 5)
    expected, found = (_with_gradient(one, z) for one in (generator, FoldedGenerator(generator)))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)
    assert found[0].is_contiguous(memory_format=torch.channels_last)


def test_a_folded_teacher_gives_the_same_logits(double: None) -> None:
    device = torch.device("cpu")
    teacher = build_network("convnet-teacher", num_classes=3, image_size=16, seed=0, device=device)
    _as_if_trained(teacher)
    images = torch.rand(4, 3, 16, 16)

    def logits(network: nn.Module) -> nn.Module:  # without the conversion to float32
        return nn.Sequential(network.normalise, network.extractor, network.head)

    expected = _with_gradient(logits(teacher), images)
    found = _with_gradient(logits(folded_teacher(teacher)), images)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)
