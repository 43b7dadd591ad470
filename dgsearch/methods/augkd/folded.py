"""Frozen networks in a form that computes the same in fewer passes over memory.

In eval mode a batch norm is one factor and one offset a channel, which the layer before it takes
up; and convolutions read images whose channels lie side by side. Results agree up to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dgsearch.methods.augkd.modules import Generator
from dgsearch.methods.networks import Classifier


class FoldedGenerator(nn.Module):
    """A frozen generator without batch norms; z (B, L) -> images (B, 3, H, W)."""

    def __init__(self, generator: Generator) -> None:
        """Take the weights of `generator`, in eval mode, as copies."""
        super().__init__()
        first, *others = generator.layers
        assert isinstance(first, nn.BatchNorm2d)
        self._shape = generator.shape
        self._project = _folded_projection(generator.project, first)
        layers = nn.Sequential(*_folded(others))
        self._layers = layers.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor) -> Tensor:
        """G(z)."""
        start = self._project(z).unflatten(1, self._shape)
        images: Tensor = self._layers(start.contiguous(memory_format=torch.channels_last))
        return images


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
