"""Frozen networks in a form that computes the same with less work.

In eval mode a batch norm is one factor and one offset a channel, which the layer before it takes
up; what comes before a generator's first LeakyReLU is linear, which makes it one matrix; its
second convolution sees a doubled image, which halves its work (`methods/blocks.py`). Convolutions
read images whose channels lie side by side. Results agree up to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dgsearch.methods import blocks
from dgsearch.methods.augkd.modules import Generator
from dgsearch.methods.networks import Classifier

_MOST_WEIGHTS = 2**22  # of the matrix; to read more takes longer than the layers that it replaces


class FoldedGenerator(nn.Module):
    """A frozen generator without batch norms; z (B, L) -> images (B, 3, H, W), channels last."""

    _inside: Tensor

    def __init__(self, generator: Generator) -> None:
        """Take the weights of `generator`, in eval mode, as copies."""
        super().__init__()
        *first, activation, _, second, norm, _, last, _ = generator.layers
        assert isinstance(activation, nn.LeakyReLU)
        assert isinstance(second, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        assert isinstance(last, nn.Conv2d)
        side = 2 * generator.shape[1]
        inputs, outputs = generator.project.in_features, second.in_channels * side**2
        start = nn.Sequential(generator.project, nn.Unflatten(1, generator.shape), *first)
        self._slope = activation.negative_slope
        fits = inputs * outputs <= _MOST_WEIGHTS
        self._start = _Matrix(start, self._slope) if fits else _started(start, self._slope)
        self._double = blocks.convolution_of_doubled(fuse_conv_bn_eval(second, norm))
        self._finish = blocks.convolution_of_blocks(last)
        inside = blocks.inside(side, second.out_channels).to(second.weight)
        self.register_buffer("_inside", inside.contiguous(memory_format=torch.channels_last))

    def forward(self, z: Tensor) -> Tensor:
        """G(z)."""
        corners = self._double(self._start(z)).mul_(self._inside)
        return blocks.pixels(self._finish(F.leaky_relu_(corners, self._slope)).sigmoid_())


def folded_teacher(teacher: nn.Module) -> nn.Module:
    """A frozen teacher without the batch norms that can be folded; itself if there are none.

    Those of a plain sequence of layers can, as in this package's own networks.
    """
    if not isinstance(teacher, Classifier) or type(teacher.extractor) is not nn.Sequential:
        return teacher
    folded = copy.copy(teacher)
    folded._modules = {**teacher._modules}
    folded.extractor = nn.Sequential(*_folded(_flat(teacher.extractor)))
    return folded


class _Matrix(nn.Module):
    """Layers that are linear up to an offset, then LeakyReLU; (B, L) -> (B, C, H, W)."""

    _matrix: Tensor
    _offset: Tensor

    def __init__(self, layers: nn.Sequential, slope: float) -> None:
        super().__init__()
        self._slope = slope
        like = next(layers.parameters())  # (outputs, L)
        exact = copy.deepcopy(layers).to("cpu", torch.float64)
        with torch.no_grad():
            offset = exact(torch.zeros(1, like.shape[1], dtype=torch.float64))
            made = exact(torch.eye(like.shape[1], dtype=torch.float64)) - offset
        self._shape = offset.permute(0, 2, 3, 1).shape[1:]
        self.register_buffer("_matrix", made.permute(0, 2, 3, 1).flatten(1).to(like))
        self.register_buffer("_offset", offset.permute(0, 2, 3, 1).flatten().to(like))

    def forward(self, z: Tensor) -> Tensor:
        made = F.leaky_relu_(torch.addmm(self._offset, z, self._matrix), self._slope)
        images: Tensor = made.unflatten(1, self._shape).permute(0, 3, 1, 2)
        return images


def _started(layers: nn.Sequential, slope: float) -> nn.Module:
    """The same layers without batch norms, then LeakyReLU, channels last."""
    project, unflatten, norm, *others = layers
    assert isinstance(project, nn.Linear)
    assert isinstance(norm, nn.BatchNorm2d)
    projected = [_folded_projection(project, norm), unflatten, _ChannelsLast()]
    folded = nn.Sequential(*projected, *_folded(others), nn.LeakyReLU(slope, inplace=True))
    return folded.to(memory_format=torch.channels_last)


class _ChannelsLast(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last)


def _flat(layers: nn.Sequential) -> list[nn.Module]:
    flat: list[nn.Module] = []
    for layer in layers:
        flat += _flat(layer) if type(layer) is nn.Sequential else [layer]
    return flat


def _folded(layers: list[nn.Module]) -> Iterator[nn.Module]:
    """The layers, each convolution with the batch norm after it as one."""
    after = [*layers[1:], nn.Identity()]
    for layer, following in zip(layers, after, strict=True):
        if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            yield fuse_conv_bn_eval(layer, following)
        elif not isinstance(layer, nn.BatchNorm2d):
            yield copy.deepcopy(layer)


def _folded_projection(project: nn.Linear, norm: nn.BatchNorm2d) -> nn.Linear:
    """The layer with the factor and offset of each channel in its weights."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    pixels = project.out_features // norm.num_features  # of one channel
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    offset = norm.bias - norm.running_mean * factor
    factor, offset = factor.repeat_interleave(pixels), offset.repeat_interleave(pixels)
    folded = copy.deepcopy(project)
    with torch.no_grad():
        folded.weight.mul_(factor[:, None])
        folded.bias.mul_(factor).add_(offset)
    return folded
