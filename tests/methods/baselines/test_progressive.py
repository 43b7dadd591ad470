"""Progressive random convolutions against values by hand and the numbers of public code."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchvision.ops import deform_conv2d

from dgsearch.methods.baselines.progressive import (
    Block,
    deformable_convolution,
    drawn_block,
    progressively_changed,
    smoothing,
    standardised,
)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _spread(count: int, factor: int, modulus: int) -> Tensor:
    return (torch.arange(count) * factor % modulus).float()


def _identity(*, scale: float = 1.0, shift: float = 0.0, down: float = 0.0) -> Block:
    """A block whose kernel keeps each channel, taken `down` pixels further down."""
    kernel = torch.zeros(3, 3, 3, 3)
    kernel[range(3), range(3), 1, 1] = 1
    offsets = torch.zeros(18, 4, 4)
    offsets[0::2] = down
    return Block(kernel, offsets, torch.full((3,), scale), torch.full((3,), shift))


def test_weights_away_from_the_middle_are_smaller_by_the_distance() -> None:
    """exp(-1 / (2 * 0.49)) beside the middle, exp(-2 / (2 * 0.49)) in the corners."""
    found = smoothing(torch.tensor(0.7))
    side, corner = math.exp(-1 / 0.98), math.exp(-2 / 0.98)
    expected = torch.tensor([[corner, side, corner], [side, 1, side], [corner, side, corner]])
    assert found == pytest.approx(expected)


def test_a_tiny_deviation_leaves_the_middle_alone() -> None:
    found = smoothing(torch.tensor(1e-4))
    assert found[1, 1] == 1
    assert found.sum() == 1


def test_each_channel_of_each_image_gets_mean_0_and_variance_1() -> None:
    images = torch.tensor([1.0, 1.0, 3.0, 3.0]).reshape(1, 1, 2, 2)
    assert standardised(images).flatten().tolist() == pytest.approx([-1, -1, 1, 1], abs=1e-5)
    assert standardised(torch.full((1, 1, 2, 2), 7.0)).abs().max() == 0


def test_a_block_keeps_order_and_squashes_to_the_open_interval() -> None:
    """Rows -1 and 1 have mean 0 and variance 1: tanh(0.5 * -1 + 0.25), tanh(0.5 * 1 + 0.25)."""
    images = torch.tensor([-1.0, 1.0]).repeat_interleave(8).reshape(1, 1, 4, 4).expand(1, 3, 4, 4)
    found = _identity(scale=0.5, shift=0.25)(images)
    assert found[0, :, 0].flatten().tolist() == pytest.approx([math.tanh(-0.25)] * 12, abs=1e-5)
    assert found[0, :, 3].flatten().tolist() == pytest.approx([math.tanh(0.75)] * 12, abs=1e-5)


def test_offsets_say_from_where_a_pixel_is_taken() -> None:
    """Half a pixel down: rows 0, 1, 2, 3 become 0.5, 1.5, 2.5 and, with black below, 1.5."""
    images = torch.arange(4.0)[:, None].expand(1, 3, 4, 4).contiguous()
    found = _identity(down=0.5)(images)
    rows = torch.tensor([0.5, 1.5, 2.5, 1.5])
    expected = torch.tanh((rows - 1.5) / rows.var(correction=0).sqrt())
    assert found[0, 0, :, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("repetitions", "expected", "total"),
    [
        (1, [[-0.6578, -0.331065, 0.587768], [-0.27666, -0.64897, 0.859713]], -0.49442),
        (3, [[0.473321, -0.725968, 0.915499], [0.099771, -0.613161, 0.830369]], -1.63475),
    ],
)
def test_blocks_give_the_numbers_of_public_code(
    repetitions: int, expected: list[list[float]], total: float
) -> None:
    """`ProRandConvModule._apply_block_once` of dqj5182/FECO_RELEASE at 5a88128, repeated."""
    block = Block(
        ((_spread(81, 29, 41) - 20) / 60).reshape(3, 3, 3, 3),
        ((_spread(288, 31, 23) - 11) / 40).reshape(18, 4, 4),
        torch.tensor([0.6, -0.4, 0.9]),
        torch.tensor([0.1, -0.3, 0.2]),
    )
    images = _spread(96, 37, 101).reshape(2, 3, 4, 4) / 100
    found = progressively_changed(images, block, repetitions=repetitions) * 2 - 1
    assert found[:, :, 1, 2] == pytest.approx(torch.tensor(expected), abs=1e-5)
    assert found.sum().item() == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("reach", [0.0, 0.4, 6.0])
def test_a_deformable_convolution_is_that_of_torchvision(reach: float) -> None:
    random = _generator()
    images = torch.randn(3, 3, 6, 9, generator=random)
    kernel = torch.randn(3, 3, 3, 3, generator=random)
    offsets = reach * torch.randn(18, 6, 9, generator=random)
    expected = deform_conv2d(images, offsets.expand(3, -1, -1, -1), kernel, padding=1)
    assert deformable_convolution(images, kernel, offsets) == pytest.approx(expected, abs=1e-4)


def test_no_repetition_leaves_the_images_alone() -> None:
    images = torch.rand(2, 3, 4, 4, generator=_generator())
    found = progressively_changed(images, _identity(), repetitions=0)
    assert found == pytest.approx(images, abs=1e-6)


def test_what_is_drawn_has_the_deviations_asked_for() -> None:
    """γ and β have deviation σ; offsets at most b_Δ, and half of it on average; weights at most
    1 / sqrt(27)."""
    random = _generator()
    blocks = [drawn_block(8, 8, deformation=0.4, contrast=0.5, random=random) for _ in range(300)]
    affine = torch.stack([torch.stack([block.scale, block.shift]) for block in blocks])
    assert affine.std().item() == pytest.approx(0.5, rel=0.06)
    spreads = torch.stack([block.offsets.std(dim=(1, 2), correction=0) for block in blocks])
    assert spreads.max() <= 0.4
    assert spreads.mean().item() == pytest.approx(0.2, rel=0.1)
    middle = torch.stack([block.kernel[:, :, 1, 1] for block in blocks])
    assert middle.std().item() == pytest.approx(27**-0.5, rel=0.05)
    assert all(torch.isfinite(block.kernel).all() for block in blocks)


def test_a_block_is_repeated_by_its_seed_and_offsets_are_smooth() -> None:
    first, again, other = (
        drawn_block(16, 16, deformation=0.2, contrast=0.5, random=_generator(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first.kernel, again.kernel)
    assert torch.equal(first.offsets, again.offsets)
    assert not torch.equal(first.kernel, other.kernel)
    steps = (first.offsets[:, 1:] - first.offsets[:, :-1]).square().mean()
    assert steps < 0.2 * first.offsets.square().mean()  # white noise: twice the variance
