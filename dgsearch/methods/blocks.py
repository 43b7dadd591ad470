"""3x3 convolutions of images whose sides were doubled, as 2x2 convolutions of blocks of pixels.

A window of a doubled image sees at most 2 x 2 pixels of the small one, each of them several
times. A 2x2 convolution of the small image with the sums of the weights gives the same with 4 / 9
of the products. Its windows lie around the corners of the small image's pixels, and each gives a
block of 2 x 2 pixels of the large one; the outermost blocks reach beyond the image. The channels
of a block are those of its upper left pixel, upper right, lower left and lower right.

Shapes: B images, C channels, O outputs, n pixels a side of the small image, 2 n of the large one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def convolution_of_doubled(layer: nn.Conv2d) -> nn.Conv2d:
    """What a layer makes of a doubled image: (B, C, n, n) -> blocks (B, 4 O, n + 1, n + 1).

    Args:
        layer: With a 3x3 kernel and a padding of 1, after an upsampling to the nearest pixel.
    """
    return _rebuilt(layer, _doubling_kernel, padding=1)


def convolution_of_blocks(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer on blocks around corners: (B, 4 C, n + 1, n + 1) -> (B, 4 O, n, n).

    What it gives are blocks of whole pixels: each is one pixel of the small image, doubled.

    Args:
        layer: With a 3x3 kernel and a padding of 1; what lies outside the image must be 0.
    """
    return _rebuilt(layer, _kernel_of_blocks, padding=0)


def inside(side: int, channels: int) -> Tensor:
    """1 for pixels of the image, 0 for those beyond it: (1, 4 C, n + 1, n + 1).

    Args:
        side: n.
        channels: C.
    """
    image = torch.zeros(2 * side + 2, 2 * side + 2)
    image[1:-1, 1:-1] = 1
    apart: Tensor = image.unflatten(0, (-1, 2)).unflatten(2, (-1, 2))  # (n + 1, 2, n + 1, 2)
    return apart.permute(1, 3, 0, 2).flatten(0, 1).repeat_interleave(channels, dim=0)[None]


def pixels(blocks: Tensor) -> Tensor:
    """Images of blocks of whole pixels: (B, 4 C, n, n) -> (B, C, 2 n, 2 n), channels last."""
    apart: Tensor = blocks.permute(0, 2, 3, 1).unflatten(3, (2, 2, -1))  # (B, n, n, 2, 2, C)
    return apart.transpose(2, 3).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def _rebuilt(layer: nn.Conv2d, change: Callable[[Tensor], Tensor], *, padding: int) -> nn.Conv2d:
    """A layer with a changed kernel, summed in float64, and its bias for each of four pixels."""
    with torch.no_grad():
        kernel = change(layer.weight.double()).to(layer.weight.dtype)
        made = nn.Conv2d(
            *(kernel.shape[1], kernel.shape[0], 2),
            padding=padding,
            bias=layer.bias is not None,
            device=kernel.device,
            dtype=kernel.dtype,
        )
        made.weight.copy_(kernel)
        if layer.bias is not None and made.bias is not None:
            made.bias.copy_(layer.bias.repeat(4))
    return made.requires_grad_(False).to(memory_format=torch.channels_last)


def _doubling_kernel(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> (4 O, C, 2, 2)."""
    seen = weight.new_tensor([[[1, 0], [1, 0], [0, 1]], [[1, 0], [0, 1], [0, 1]]])
    return torch.einsum("ocab,yai,xbj->yxocij", weight, seen, seen).flatten(0, 2)


def _kernel_of_blocks(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> (4 O, 4 C, 2, 2)."""
    row = torch.eye(4, dtype=weight.dtype, device=weight.device)
    seen = torch.stack([row[:3], row[1:]]).unflatten(2, (2, 2))  # pixel, tap, block, its pixel
    kernel = torch.einsum("ocab,yaip,xbjq->yxopqcij", weight, seen, seen)
    return kernel.flatten(3, 5).flatten(0, 2)
