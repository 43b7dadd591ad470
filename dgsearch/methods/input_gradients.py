"""Gradients with respect to images, on the CPU in a third of the time and to the same last bit.

The gradient of a convolution's input is itself a convolution, with as many outputs as the input
has channels. Kernels of the CPU compute 16 outputs at a time, so that for 3 colours most of the
work is thrown away. Here one window gives a block of pixels at once.

Shapes: B images, C channels of the images, O of the convolution, k x k its kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_MOST_CHANNELS = 4  # more fill the kernels by themselves


@contextmanager
def quick_input_gradients(network: nn.Module) -> Iterator[None]:
    """Let the convolutions that see images give their gradients the quick way.

    Only for a network whose weights need no gradient and whose code is not compiled; elsewhere
    than on the CPU in float32 nothing changes.
    """
    with ExitStack() as stack:
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d) and _is_slow(layer):
                layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
                stack.callback(delattr, layer, "forward")
        yield


def input_gradient(gradient: Tensor, weight: Tensor, padding: tuple[int, int]) -> Tensor:
    """Gradient of the input of a convolution with stride 1, given that of its output.

    Args:
        gradient: Of the output, (B, O, H', W').
        weight: (O, C, k, k); its sides may differ.
        padding: Rows and columns of zeros around the input, less than the kernel's sides.

    Returns:
        (B, C, H, W), channels last.
    """
    rows, columns = weight.shape[2:]
    height = gradient.shape[2] + rows - 1 - 2 * padding[0]
    width = gradient.shape[3] + columns - 1 - 2 * padding[1]
    block = _block(weight, padding)
    below, beside = -height % block[0], -width % block[1]
    padded = F.pad(gradient, (0, beside, 0, below)) if below or beside else gradient
    found = F.conv2d(
        padded,
        _kernel_of(block, weight),
        stride=block,
        padding=(rows - 1 - padding[0], columns - 1 - padding[1]),
    )  # (B, C for each pixel of a block, blocks down, blocks across)
    apart: Tensor = found.permute(0, 2, 3, 1).unflatten(3, (*block, -1))
    whole = apart.transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return whole[:, :height, :width].permute(0, 3, 1, 2)


def _block(weight: Tensor, padding: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of pixels by one window, the quickest that adds up in the same order."""
    small = weight.shape[2:] == (3, 3) and padding == (1, 1)
    return (2, 2) if small else (4, 1)  # with 3 colours 12 outputs


def _kernel_of(block: tuple[int, int], weight: Tensor) -> Tensor:
    """The turned kernel, once for each pixel of a block, further down and right for each."""
    outputs, channels, rows, columns = weight.shape
    turned = weight.flip(2, 3).transpose(0, 1)  # (C, O, k, k)
    size = rows + block[0] - 1, columns + block[1] - 1
    kernel = weight.new_zeros(*block, channels, outputs, *size)
    for row in range(block[0]):
        for column in range(block[1]):
            kernel[row, column, :, :, row : row + rows, column : column + columns] = turned
    return kernel.flatten(0, 2).contiguous(memory_format=torch.channels_last)


class _QuickGradient(torch.autograd.Function):
    """A convolution of images whose weights need no gradient."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]
    ) -> Tensor:
        """As usual."""
        ctx.save_for_backward(weight)
        ctx.padding = padding
        return F.conv2d(images, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """Of the images alone."""
        (weight,) = ctx.saved_tensors
        return input_gradient(gradients[0], weight, ctx.padding), None, None, None


def _forward(layer: nn.Conv2d, images: Tensor) -> Tensor:
    quick = (
        images.requires_grad
        and images.is_contiguous(memory_format=torch.channels_last)
        and not layer.weight.requires_grad
        and not torch.is_autocast_enabled("cpu")
    )
    if not quick:
        return nn.Conv2d.forward(layer, images)
    found: Tensor = _QuickGradient.apply(images, layer.weight, layer.bias, layer.padding)
    return found


def _is_slow(layer: nn.Conv2d) -> bool:
    """Whether a layer is a plain convolution of few channels, on the CPU in float32."""
    if type(layer) is not nn.Conv2d or "forward" in vars(layer):
        return False
    fits = (
        layer.in_channels <= _MOST_CHANNELS
        and layer.groups == 1
        and layer.stride == layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )
    if not fits or layer.weight.device.type != "cpu" or layer.weight.dtype != torch.float32:
        return False
    sides = zip(layer.padding, layer.kernel_size, strict=True)
    return layer.kernel_size[0] > 1 and all(zeros < side for zeros, side in sides)  # type: ignore[operator]
