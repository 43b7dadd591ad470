"""Gradients with respect to images, on the CPU in a third of the time and to the same last bit.

The gradient of a convolution's input is itself a convolution, with as many outputs as the input
has channels. Kernels of the CPU compute 16 outputs at a time, so that for 3 colours most of the
work is thrown away. Here one window gives several rows of pixels at once.

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

_ROWS = 4  # rows of pixels by one window; with 3 colours 12 outputs
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
    below = -height % _ROWS
    padded = F.pad(gradient, (0, 0, 0, below)) if below else gradient
    found = F.conv2d(
        padded,
        _kernel_of_rows(weight),
        stride=(_ROWS, 1),
        padding=(rows - 1 - padding[0], columns - 1 - padding[1]),
    )  # (B, _ROWS * C, H / _ROWS, W)
    batch, _, bands, _ = found.shape
    split = found.permute(0, 2, 3, 1).reshape(batch, bands, width, _ROWS, weight.shape[1])
    whole = split.transpose(2, 3).reshape(batch, bands * _ROWS, width, weight.shape[1])
    return whole[:, :height].permute(0, 3, 1, 2)


def _kernel_of_rows(weight: Tensor) -> Tensor:
    """The turned kernel, once for each of the rows that a window gives, one row further each."""
    outputs, channels, rows, columns = weight.shape
    turned = weight.flip(2, 3).transpose(0, 1)  # (C, O, k, k)
    kernel = weight.new_zeros(_ROWS, channels, outputs, rows + _ROWS - 1, columns)
    for row in range(_ROWS):
        kernel[row, :, :, row : row + rows] = turned
    return kernel.flatten(0, 1).contiguous(memory_format=torch.channels_last)


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
