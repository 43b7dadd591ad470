"""Semantics transformations: ordinary augmentations whose parameters have gradients.

[Zheng24] is arXiv:2312.12720 (AdvST, AAAI 2024). The list, its ranges and how chains are drawn are
those of its released code for digits, gtzheng/AdvST at 338f82d, which uses kornia. Each image has
parameters of its own, (B, count). Shapes: B images of C = 3 channels and H x W pixels in [0, 1].
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_HOLES = 8
_HOLE = 0.2  # side of a hole, of the image's
_SHIFT = 0.1  # largest shift, of the image's side
_STEEPEST = 0.9  # slope of a shear
_LEVELS = 255


def _each(parameter: Tensor) -> Tensor:
    """One number an image, (B), as (B, 1, 1, 1)."""
    return parameter[:, None, None, None]


def recoloured(images: Tensor, shifts: Tensor) -> Tensor:
    """Hue, saturation and value moved by so much; the hue in radians.

    Args:
        images: (B, 3, H, W); no gradient flows into them.
        shifts: (B, 3).

    Returns:
        (B, 3, H, W), not clamped.
    """
    pixels = images.detach()
    value, brightest = pixels.max(dim=1, keepdim=True)
    range_ = value - pixels.amin(dim=1, keepdim=True)
    red, green, blue = pixels.split(1, dim=1)
    differences = torch.cat([green - blue, blue - red, red - green], dim=1)
    sixths = differences.gather(1, brightest) / torch.where(range_ == 0, 1.0, range_)
    hue = sixths + 2 * brightest + shifts[:, 0, None, None, None] * 3 / math.pi  # of 6
    saturation = range_ / (value + 1e-8) + shifts[:, 1, None, None, None]
    value = value + shifts[:, 2, None, None, None]
    turn = torch.tensor([5.0, 3.0, 1.0], device=images.device)[:, None, None]
    place = (hue + turn).remainder(6)  # (B, 3, H, W)
    return value * (1 - saturation * torch.minimum(place, 4 - place).clamp(0, 1))


def warped(images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """What lies at x moved to A x + t; bilinear, black comes in from outside.

    Args:
        images: (B, C, H, W).
        matrix: A, (B, 2, 2); right, then down.
        shift: t, (B, 2), pixels.
    """
    height, width = images.shape[-2:]
    right = torch.arange(width, device=images.device).to(images.dtype)
    down = torch.arange(height, device=images.device).to(images.dtype)
    places = torch.stack(
        [right.expand(height, width), down[:, None].expand(height, width)], dim=-1
    )  # (H, W, 2)
    moved = places - shift[:, None, None, :]
    source = torch.einsum("bij,bhwj->bhwi", torch.linalg.inv(matrix), moved)
    size = torch.tensor([width - 1, height - 1], device=images.device).clamp(min=1)
    return F.grid_sample(images, 2 * source / size - 1, align_corners=True)


def _around_centre(images: Tensor, matrix: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=images.device)
    return warped(images, matrix, centre - matrix @ centre)


def rotated(images: Tensor, turns: Tensor) -> Tensor:
    """Turned counter-clockwise by 0.01 to 1 full turns, (B, 1)."""
    angle = turns[:, 0].clamp(0.01, 1) * 2 * math.pi
    rows = [torch.stack([angle.cos(), angle.sin()]), torch.stack([-angle.sin(), angle.cos()])]
    return _around_centre(images, torch.stack(rows).permute(2, 0, 1))


def translated(images: Tensor, shifts: Tensor) -> Tensor:
    """Moved by up to a tenth of the side, right and down, (B, 2) in -1..1."""
    identity = torch.eye(2, device=images.device).expand(len(images), 2, 2)
    return warped(images, identity, shifts.clamp(-1, 1) * _SHIFT * images.shape[-1])


def sheared(images: Tensor, slopes: Tensor) -> Tensor:
    """Right by so much of what a pixel lies down, down by so much of right, (B, 2).

    The released code has no bound; here it is 0.9, below which the matrix has an inverse.
    """
    slopes = slopes.clamp(-_STEEPEST, _STEEPEST)
    one = torch.ones_like(slopes[:, 0])
    rows = [torch.stack([one, slopes[:, 0]]), torch.stack([slopes[:, 1], one])]
    matrix = torch.stack(rows).permute(2, 0, 1)
    return warped(images, matrix, torch.zeros_like(slopes))


def scaled(images: Tensor, factors: Tensor) -> Tensor:
    """Half to twice as large, (B, 1)."""
    identity = torch.eye(2, device=images.device)
    return _around_centre(images, factors.clamp(0.5, 2)[:, :, None] * identity)


def inverted(images: Tensor, whites: Tensor) -> Tensor:
    """The distance of each pixel from a white of 0.5 to 1, (B, 1)."""
    return _each(whites[:, 0].clamp(0.5, 1)) - images


def contrasted(images: Tensor, factors: Tensor) -> Tensor:
    """Pixels times 0.1 to 1.9, (B, 1)."""
    return images * _each(factors[:, 0].clamp(0.1, 1.9))


def smoothed(images: Tensor, shares: Tensor) -> Tensor:
    """So much of the image, the rest of a copy under a 3x3 blur; the edge is kept, (B, 1)."""
    kernel = images.new_ones(1, 1, 3, 3)
    kernel[..., 1, 1] = 5
    channels = images.shape[1]
    blurred = F.conv2d(images, (kernel / 13).expand(channels, 1, 3, 3), groups=channels)
    inside = F.pad(torch.ones_like(blurred), [1] * 4)
    soft = inside * F.pad(blurred, [1] * 4) + (1 - inside) * images
    share = _each(shares[:, 0].clamp(0, 1))
    return share * images + (1 - share) * soft


def solarised(images: Tensor, brighter: Tensor) -> Tensor:
    """Brighter by so much, then what is above one half as its negative, (B, 1)."""
    found = (images + _each(brighter[:, 0].clamp(-0.499, 0.499))).clamp(0, 1)
    return torch.where(found < 0.5, found, 1 - found)


def equalised(images: Tensor, _: Tensor) -> Tensor:
    """Each channel with an even histogram; its gradient is that of the identity."""
    from torchvision.transforms.v2.functional import equalize  # takes over a second to import

    even: Tensor = equalize((images.detach() * _LEVELS).to(torch.uint8))
    return even.to(images.dtype) / _LEVELS + images - images.detach()


def posterised(images: Tensor, bits: Tensor) -> Tensor:
    """Of 8 bits the first 0 to 8, (B, 1); its gradient is that of the identity."""
    step = 2 ** (8 - _each(bits[:, 0].detach().floor().clamp(0, 8)))
    levels = (images.detach() * _LEVELS).floor()
    return (levels / step).floor() * step / _LEVELS + images - images.detach()


def cut(images: Tensor, parameters: Tensor) -> Tensor:
    """Squares of one colour on each image.

    The released code measures squares for images of 84 pixels whatever their size; here the
    side is a fifth of the image's.

    Args:
        images: (B, 3, H, W).
        parameters: (B, 3 + 2 holes); the colour, then places in 0..1 without a gradient.
    """
    height, width = images.shape[-2:]
    side = max(1, round(_HOLE * min(height, width)))
    places = parameters[:, 3:].detach().clamp(0, 1 - 1e-6).reshape(len(images), _HOLES, 2)
    top = (places[..., 0] * (height - side + 1)).floor()[:, :, None]  # (B, holes, 1)
    left = (places[..., 1] * (width - side + 1)).floor()[:, :, None]
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    within_rows = (rows >= top) & (rows < top + side)  # (B, holes, H)
    within_columns = (columns >= left) & (columns < left + side)
    hole = (within_rows[..., :, None] & within_columns[..., None, :]).any(dim=1)[:, None]
    found: Tensor = torch.where(hole, parameters[:, :3, None, None], images)
    return found


@dataclass(frozen=True)
class Semantic:
    """A transformation and from where its parameters are drawn.

    Attributes:
        apply: From images and parameters to images.
        low: Of each parameter.
        high: Of each parameter.
        count: Parameters an image.
        learnt: Whether the result has a gradient in its parameters.
    """

    apply: Callable[[Tensor, Tensor], Tensor]
    low: float
    high: float
    count: int = 1
    learnt: bool = True


RECOLOURED = Semantic(recoloured, -1, 1, 3)
SEMANTICS = (
    RECOLOURED,
    Semantic(rotated, 0.01, 1),
    Semantic(translated, -1, 1, 2),
    Semantic(inverted, 0.5, 1),
    Semantic(sheared, -0.3, 0.3, 2),
    Semantic(contrasted, 0.1, 1.9),
    Semantic(smoothed, 0, 1),
    Semantic(solarised, -0.5, 0.5),
    Semantic(scaled, 0.5, 2),
    Semantic(equalised, 0, 1, learnt=False),
    Semantic(posterised, 0, 9, learnt=False),
    Semantic(cut, 0, 1, 3 + 2 * _HOLES),
)
LONGEST = 3  # transformations of a chain


@lru_cache
def chains(length: int) -> Sequence[tuple[Semantic, ...]]:
    """Every chain of so many different ones; colours move first or not at all."""
    return [
        chain for chain in itertools.permutations(SEMANTICS, length) if RECOLOURED not in chain[1:]
    ]


def drawn_chain(random: torch.Generator) -> tuple[Semantic, ...]:
    """A chain of one to three transformations: each length as likely, then each chain."""

    def below(count: int) -> int:
        return int(torch.randint(count, (), generator=random, device=random.device))

    among = chains(below(LONGEST) + 1)
    return among[below(len(among))]


def drawn_parameters(
    chain: Sequence[Semantic], count: int, random: torch.Generator
) -> list[Tensor]:
    """Parameters of so many images for each transformation of a chain, even in its range."""
    return [
        semantic.low
        + (semantic.high - semantic.low)
        * torch.rand(count, semantic.count, generator=random, device=random.device)
        for semantic in chain
    ]


def transformed(images: Tensor, chain: Sequence[Semantic], parameters: Sequence[Tensor]) -> Tensor:
    """Images under each transformation of a chain, in [0, 1] after each of them.

    Args:
        images: (B, 3, H, W).
        chain: From the first to the last.
        parameters: One tensor a transformation, (B, count).
    """
    for semantic, own in zip(chain, parameters, strict=True):
        images = semantic.apply(images, own).clamp(0, 1)
    return images
