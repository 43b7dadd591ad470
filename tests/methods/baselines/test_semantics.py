"""Semantics transformations against values by hand and the numbers of public code."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from dgsearch.methods.baselines import semantics
from dgsearch.methods.baselines.semantics import (
    RECOLOURED,
    SEMANTICS,
    chains,
    drawn_chain,
    drawn_parameters,
    transformed,
)

IMAGES = (torch.arange(96) * 37 % 101 / 100).reshape(2, 3, 4, 4)
# The same tensors were given to gtzheng/AdvST at 338f82d (`model_mnist.py`, under kornia 0.9.0):
# parameters; row 2 of the second channel of both images; the gradient of the parameters where
# that of the pixels rises evenly from 0 to 1.
PUBLIC: dict[str, tuple[list[list[float]], list[list[float]], list[float]]] = {
    "recoloured": (
        [[0.3, -0.2, 0.1], [-0.6, 0.4, -0.3]],
        [[1.01827, 0.33737, 0.73417, 0.90374], [0.01354, 0.16838, 0.16514, 0.04748]],
        [-0.1418, -4.3355, 9.6658, -2.6067, -9.7875, 12.9131],
    ),
    "rotated": (
        [[0.1], [0.7]],
        [[0.3382, 0.41922, 0.47918, 0.72156], [0.63533, 0.23126, 0.54617, 0.45239]],
        [1.6517, 34.2393],
    ),
    "translated": (
        [[0.5, -0.8], [1.0, 0.3]],
        [[0.50176, 0.37376, 0.6064, 0.71784], [0.26688, 0.59408, 0.38232, 0.32408]],
        [-0.5162, 0.75, 0.0, -1.669],
    ),
    "inverted": (
        [[0.7], [1.0]],
        [[-0.1, 0.54, 0.17, -0.2], [0.62, 0.25, 0.89, 0.52]],
        [11.8737, 0.0],
    ),
    "sheared": (
        [[0.2, -0.1], [-0.3, 0.25]],
        [[0.47507, 0.42671, 0.44412, 0.7116], [0.5832, 0.4461, 0.33575, 0.05633]],
        [-1.6628, 2.2398, 5.0495, -2.9943],
    ),
    "contrasted": (
        [[0.4], [1.6]],
        [[0.32, 0.064, 0.212, 0.36], [0.608, 1.0, 0.176, 0.768]],
        [5.9063, 7.2272],
    ),
    "smoothed": (
        [[0.3], [0.9]],
        [[0.8, 0.32315, 0.53, 0.9], [0.38, 0.73446, 0.13331, 0.48]],
        [-0.1088, 0.1881],
    ),
    "scaled": (
        [[0.75], [1.7]],
        [[0.355, 0.31694, 0.64194, 0.405], [0.59127, 0.56428, 0.31013, 0.28314]],
        [11.9134, 0.7351],
    ),
    "solarised": (
        [[0.2], [-0.3]],
        [[0.0, 0.36, 0.27, 0.0], [0.08, 0.45, 0.0, 0.18]],
        [-1.5579, 11.0211],
    ),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_pixels_and_gradients_are_those_of_public_code(name: str) -> None:
    start, row, gradient = PUBLIC[name]
    parameters = torch.tensor(start, requires_grad=True)
    found = getattr(semantics, name)(IMAGES, parameters)
    if name == "contrasted":  # there the clamp belongs to the transformation
        found = found.clamp(0, 1)
    assert found[:, 1, 2].detach() == pytest.approx(torch.tensor(row), abs=1e-5)
    (found * torch.linspace(0, 1, 96).reshape(found.shape)).sum().backward()
    assert parameters.grad is not None
    assert parameters.grad.flatten() == pytest.approx(torch.tensor(gradient), abs=2e-4)


def test_an_even_histogram_is_that_of_public_code_and_passes_gradients_on() -> None:
    images = (torch.arange(1200).reshape(1, 3, 20, 20) * 37 % 101 / 250 + 0.2).requires_grad_()
    found = semantics.equalised(images, torch.zeros(1, 1))
    public = [0.290196, 0.866667, 1.0, 0.447059, 1.0, 0.031373, 0.603922, 1.0]
    assert found[0, 1, 2, :8].tolist() == pytest.approx(public, abs=1e-5)
    found.sum().backward()
    assert images.grad is not None
    assert images.grad.eq(1).all()


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0.5, [0, 0, 0]), (1.0, [0, 128, 128]), (2.9, [64, 128, 192]), (8.99, [100, 170, 255])],
)
def test_posterising_keeps_the_first_bits(bits: float, expected: list[int]) -> None:
    """100 = 01100100, 170 = 10101010, 255 = 11111111 in binary."""
    images = torch.tensor([100.0, 170.0, 255.0]).div(255).reshape(1, 3, 1, 1)
    found = semantics.posterised(images, torch.tensor([[bits]]))
    assert (found * 255).flatten().tolist() == pytest.approx(expected, abs=1e-3)


def test_a_hole_has_the_colour_and_the_place_of_its_parameters() -> None:
    """Of 10 pixels a fifth is 2; places run over 10 - 2 + 1 = 9: 0.5 is 4, the rest is 0."""
    parameters = torch.zeros(1, 19)
    parameters[0, :3] = torch.tensor([0.1, 0.2, 0.3])
    parameters[0, 3:5] = 0.5
    found = semantics.cut(torch.ones(1, 3, 10, 10), parameters)
    expected = torch.ones(3, 10, 10)
    for start in (0, 4):
        expected[:, start : start + 2, start : start + 2] = parameters[0, :3, None, None]
    assert torch.equal(found[0], expected)


def test_grey_pixels_have_no_hue_and_get_colour_by_saturation() -> None:
    """Hue 0 is red: value .5, saturation 0 + .4: (.5, .5 * .6, .5 * .6)."""
    found = semantics.recoloured(torch.full((1, 3, 1, 1), 0.5), torch.tensor([[0.0, 0.4, 0.0]]))
    assert found.flatten().tolist() == pytest.approx([0.5, 0.3, 0.3])


def test_a_quarter_turn_goes_against_the_clock() -> None:
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 3, 2, 2)
    found = semantics.rotated(image, torch.tensor([[0.25]]))
    assert found[0, 0].flatten().tolist() == pytest.approx([2, 4, 1, 3], abs=1e-5)


def test_a_shear_keeps_an_inverse_however_steep_it_is() -> None:
    slopes = torch.tensor([[1.0, 1.0], [50.0, 0.02]], requires_grad=True)
    found = semantics.sheared(IMAGES, slopes)
    assert torch.equal(found, semantics.sheared(IMAGES, torch.tensor([[0.9, 0.9], [0.9, 0.02]])))
    found.sum().backward()
    assert slopes.grad is not None
    assert slopes.grad[0].tolist() == [0, 0]


def test_each_length_has_as_many_chains_as_counted_by_hand() -> None:
    """Colours first or not at all: 12; 11 + 11 * 10; 11 * 10 + 11 * 10 * 9."""
    assert [len(chains(length)) for length in (1, 2, 3)] == [12, 121, 1100]
    assert all(RECOLOURED not in chain[1:] for chain in chains(3))


def test_lengths_are_equally_likely_and_a_seed_repeats_them() -> None:
    def drawn(seed: int) -> list[int]:
        random = torch.Generator().manual_seed(seed)
        return [len(drawn_chain(random)) for _ in range(600)]

    counts = Counter(drawn(0))
    assert all(150 < counts[length] < 250 for length in (1, 2, 3))  # 200, deviation 12
    assert drawn(1) == drawn(1) != drawn(2)


def test_every_transformation_stays_within_0_and_1_and_its_range() -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.rand(16, 3, 12, 12, generator=random)
    for semantic in SEMANTICS:
        (parameters,) = drawn_parameters([semantic], 16, random)
        assert parameters.shape == (16, semantic.count)
        assert parameters.min() >= semantic.low
        assert parameters.max() <= semantic.high
        found = transformed(images, [semantic], [parameters])
        assert found.shape == images.shape
        assert found.min() >= 0
        assert found.max() <= 1
        assert not torch.allclose(found, images, atol=1e-3)


def test_a_chain_is_applied_from_first_to_last() -> None:
    """.8 doubled is 1 after the clamp, its distance from 1 is 0; the other way: (1 - .8) 1.9."""
    by_name = {semantic.apply.__name__: semantic for semantic in SEMANTICS}
    images = torch.full((1, 3, 2, 2), 0.8)

    def through(*steps: tuple[str, float]) -> Tensor:
        chain = [by_name[name] for name, _ in steps]
        return transformed(images, chain, [torch.tensor([[value]]) for _, value in steps])

    first = through(("contrasted", 1.9), ("inverted", 1.0))
    assert first.eq(0).all()
    second = through(("inverted", 1.0), ("contrasted", 1.9))
    assert second.flatten().tolist() == pytest.approx([0.38] * 12)
