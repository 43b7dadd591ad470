from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.methods import blocks


def _layer(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    torch.manual_seed(0)
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    return layer.double().requires_grad_(False)


def _corner_blocks(images: Tensor) -> Tensor:
    """(B, C, 2 n, 2 n) -> (B, 4 C, n + 1, n + 1), with zeros outside."""
    apart = F.pad(images, (1, 1, 1, 1)).unflatten(2, (-1, 2)).unflatten(4, (-1, 2))
    return apart.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


def test_pixels_of_a_block_are_channels_from_the_upper_left() -> None:
    block = torch.arange(8.0).reshape(1, 8, 1, 1)  # of four pixels, each with two channels
    expected = torch.tensor([[[0.0, 2.0], [4.0, 6.0]], [[1.0, 3.0], [5.0, 7.0]]])
    assert torch.equal(blocks.pixels(block)[0], expected)


def test_blocks_that_reach_beyond_the_image_are_known() -> None:
    expected = _corner_blocks(torch.ones(1, 2, 6, 6))
    assert torch.equal(blocks.inside(3, 2), expected)


@pytest.mark.parametrize("bias", [True, False])
def test_a_doubled_image_gives_the_blocks_of_the_small_one(bias: bool) -> None:
    layer = _layer(3, 2, bias=bias)
    images = torch.rand(2, 3, 5, 5, dtype=torch.float64)
    expected = layer(F.interpolate(images, scale_factor=2))
    found = blocks.convolution_of_doubled(layer)(images) * blocks.inside(5, 2)
    torch.testing.assert_close(found, _corner_blocks(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_of_blocks_is_that_of_the_image(bias: bool) -> None:
    layer = _layer(2, 3, bias=bias)
    images = torch.rand(2, 2, 6, 6, dtype=torch.float64)
    found = blocks.pixels(blocks.convolution_of_blocks(layer)(_corner_blocks(images)))
    torch.testing.assert_close(found, layer(images), rtol=1e-12, atol=1e-12)
