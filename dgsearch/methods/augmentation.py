"""Ceilings: plain augmentation of the input's appearance. None of it is MPBM.

They tell how much a change of the images themselves gives on a benchmark, and so what a method
that mixes clean features has to be measured against. [Xu21] is arXiv:2007.13003.

Shapes: B images, C = 3 channels, H = W pixels; images are in [0, 1].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain

_KERNELS = (1, 3, 5, 7)  # sizes among which [Xu21] draws


def two_colours(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image between two random colours, by its own brightness.

    Args:
        images: (B, 3, H, W).
        random: On the device of the images.

    Returns:
        (B, 3, H, W) in [0, 1]; the polarity may be reversed.
    """
    colours = torch.rand(2, len(images), 3, 1, 1, generator=random, device=images.device)
    brightness = images.mean(dim=1, keepdim=True)
    return colours[0] * (1 - brightness) + colours[1] * brightness


def random_convolution(images: Tensor, random: torch.Generator) -> Tensor:
    """The batch under one random convolution, mixed with itself [Xu21, Sec. 3.2].

    The kernel's size is drawn from 1, 3, 5 and 7, its weights from N(0, 1/(3 k^2)), the share
    of the original from U(0, 1).

    Args:
        images: (B, 3, H, W).
        random: On the device of the images.

    Returns:
        (B, 3, H, W), not clamped.
    """
    device = images.device
    size = _KERNELS[int(torch.randint(len(_KERNELS), (), generator=random, device=device))]
    kernel = torch.randn(3, 3, size, size, generator=random, device=device)
    filtered = F.conv2d(images * 2 - 1, kernel / math.sqrt(3 * size**2), padding=size // 2)
    share = torch.rand((), generator=random, device=device)
    return share * images + (1 - share) * (filtered + 1) / 2


def deform(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image under its own affine map: turned by up to 20 degrees, sheared, scaled, moved.

    Args:
        images: (B, 3, H, W).
        random: On the device of the images.
    """
    rows, device = len(images), images.device

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(rows, generator=random, device=device)

    angle, shear = between(-0.35, 0.35), between(-0.4, 0.4)
    scale, cos, sin = between(0.8, 1.25), angle.cos(), angle.sin()
    first = torch.stack([scale * cos, scale * (shear * cos - sin), between(-0.1, 0.1)], dim=1)
    second = torch.stack([scale * sin, scale * (shear * sin + cos), between(-0.1, 0.1)], dim=1)
    grid = F.affine_grid(
        torch.stack([first, second], dim=1), list(images.shape), align_corners=False
    )
    return F.grid_sample(images, grid, align_corners=False)


def blend_texture(images: Tensor, random: torch.Generator) -> Tensor:
    """Half of the images as their difference to smooth coloured noise, as on a photograph.

    Args:
        images: (B, 3, H, W).
        random: On the device of the images.
    """
    textured = over_texture(images, random)
    chosen = torch.rand(len(images), 1, 1, 1, generator=random, device=images.device) < 0.5
    return torch.where(chosen, textured, images)


def over_texture(images: Tensor, random: torch.Generator) -> Tensor:
    """The difference of each image to smooth coloured noise.

    Args:
        images: (B, 3, H, W).
        random: On the device of the images.
    """
    rows, size, device = len(images), images.shape[-1], images.device
    coarse = torch.rand(rows, 3, size // 4, size // 4, generator=random, device=device)
    texture = F.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    return (texture - images).abs()


def _recolour_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    return F.cross_entropy(network(two_colours(batch.images, settings.random)), batch.labels)


def _randconv_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    images = random_convolution(batch.images, settings.random)
    return F.cross_entropy(network(images), batch.labels)


def _strong_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    images = blend_texture(deform(batch.images, settings.random), settings.random)
    images = random_convolution(images, settings.random)
    return F.cross_entropy(network(images), batch.labels)


RECOLOUR = SingleDomain(
    name="recolour",
    summary="not MPBM, a ceiling: plain training on images between two random colours",
    loss=_recolour_loss,
    families=("colour", "solarise"),
)
RANDCONV = SingleDomain(
    name="randconv",
    summary="not MPBM, a ceiling: plain training under random convolutions (arXiv:2007.13003)",
    loss=_randconv_loss,
    families=("convolution", "colour", "solarise"),
)
STRONG_AUGMENTATION = SingleDomain(
    name="strong_augmentation",
    summary="not MPBM, a ceiling: geometry, texture and random convolution together",
    loss=_strong_loss,
    families=("geometry", "texture", "convolution", "colour", "solarise"),
)
