"""A validation split under families of transformations, and a classifier scored on it.

Up to `IMAGES` images of the split, drawn by the trial's seed, are transformed once for all
epochs and trials of that seed. An image looks the same each time. Strengths come from a short
list in turn, so that all of them are about as frequent. The images are kept as bytes on the
device: 4 MB for 96 images of 32 pixels, at most 64 MB. Larger images are fewer. Each
transformation is a line or a few of torch: every worker of every study needs them, and the
import of torchvision would cost it seconds.

Shapes: N images, C = 3 channels, H = W pixels, F families.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Split
from dgsearch.methods.augmentation import deform, over_texture, random_convolution, two_colours
from dgsearch.seeding import derive_seed
from dgsearch.study.families import AUGMENTED, FAMILIES
from dgsearch.study.metrics import ACCURACY
from dgsearch.trainable.evaluation import Score
from dgsearch.trainable.measuring import Meter

IMAGES = 96  # of a validation split, under each family
_MOST_BYTES = 64_000_000
_FEWEST_IMAGES = 16
_BATCH = 512

Transformation = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class AugmentedSplit:
    """The images of a split under each family.

    Attributes:
        images: uint8, (F, N, C, H, W), in the order of `FAMILIES`.
        labels: int64, (N,).
    """

    images: Tensor
    labels: Tensor


def augmented_split(split: Split, *, seed: int) -> AugmentedSplit:
    """A part of a validation split under every family.

    Args:
        split: The validation split.
        seed: The trial's seed: decides which images, and how each of them is changed.
    """
    size = split.take(torch.zeros(1, dtype=torch.int64)).images[0].numel()
    most = max(_FEWEST_IMAGES, _MOST_BYTES // (size * len(FAMILIES)))
    order = torch.randperm(len(split), generator=_random(seed, "images"))
    chosen = split.take(order[: min(IMAGES, most)].to(split.labels.device))
    plain = chosen.images.cpu().contiguous()
    parts = [transformed(plain, family, seed=seed) for family in FAMILIES]
    images = torch.cat([part.mul(255).round().byte() for part in parts])  # (F * N, C, H, W)
    images = images.contiguous(memory_format=torch.channels_last)  # as networks read them
    images = images.unflatten(0, (len(FAMILIES), -1))
    return AugmentedSplit(images.to(chosen.labels.device), chosen.labels)


def transformed(images: Tensor, family: str, *, seed: int) -> Tensor:
    """Images under one family.

    Args:
        images: (N, C, H, W) in [0, 1], on the CPU.
        family: One of `FAMILIES`.
        seed: Decides what is drawn.

    Returns:
        (N, C, H, W) in [0, 1].
    """
    return _TRANSFORMATIONS[family](images, _random(seed, family)).clamp(0, 1)


def family_scores(
    classifier: nn.Module,
    augmented: AugmentedSplit,
    *,
    metric: str,
    num_classes: int,
    families: Collection[str] = tuple(FAMILIES),
) -> list[Score]:
    """The metric under each family, as scores of the split "augmented", domain by domain.

    Args:
        classifier: Images to logits; evaluated in eval mode and left in its own mode.
        augmented: The images.
        metric: Name of the metric.
        num_classes: K.
        families: Only under these.
    """
    names = [name for name in FAMILIES if name in families]
    images = augmented.images
    if len(names) < len(FAMILIES):
        images = images[[place for place, name in enumerate(FAMILIES) if name in families]]
    was_training = classifier.training
    classifier.eval()
    try:
        logits = _logits(classifier, images.flatten(0, 1))
    finally:
        classifier.train(was_training)
    if metric == ACCURACY:
        right = logits.argmax(dim=1).view(len(names), -1) == augmented.labels  # (F, N)
        shares = [count / len(augmented.labels) for count in right.sum(dim=1).tolist()]
        pairs = zip(names, shares, strict=True)
        return [Score(AUGMENTED, family, metric, share) for family, share in pairs]
    found = []
    for family, own in zip(names, logits.split(len(augmented.labels)), strict=True):
        meter = Meter((metric,), num_classes, augmented.labels.device)
        meter.update(own, augmented.labels)
        found.append(Score(AUGMENTED, family, metric, dict(meter.values())[metric]))
    return found


def _logits(classifier: nn.Module, images: Tensor) -> Tensor:
    """(F * N, K), in large batches without a graph."""
    with torch.inference_mode():
        parts = [
            classifier(part.float().div_(255).contiguous(memory_format=torch.channels_last))
            for part in images.split(_BATCH)
        ]
    return torch.cat(parts)


def _random(seed: int, job: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, "augmented", job))


def _in_turn(change: Callable[[Tensor, Any], Tensor], strengths: Sequence[Any]) -> Transformation:
    """A family of which image i has strength i modulo their number."""

    def apply(images: Tensor, random: torch.Generator) -> Tensor:
        changed = images.clone()
        for at, strength in enumerate(strengths):
            own = images[at :: len(strengths)]
            changed[at :: len(strengths)] = change(own, strength) if len(own) else own
        return changed

    return apply


def _contrast(images: Tensor, factor: float) -> Tensor:
    """Away from the image's mean, or towards it."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + factor * (images - mean)


def _solarise(images: Tensor, threshold: float) -> Tensor:
    return torch.where(images >= threshold, 1 - images, images)


def _posterise(images: Tensor, levels: int) -> Tensor:
    return (images * (levels - 1)).round() / (levels - 1)


def _blur(images: Tensor, width: float) -> Tensor:
    """Gaussian blur, one axis after the other; its deviation is a share of the image's side."""
    deviation = width * images.shape[-1]
    radius = max(1, int(3 * deviation))
    at = torch.arange(-radius, radius + 1, dtype=images.dtype)
    kernel = (-at.square() / (2 * deviation**2)).exp()
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    channels = images.flatten(0, 1)[:, None]
    for shape, pad in ((kernel, (radius, radius, 0, 0)), (kernel.mT, (0, 0, radius, radius))):
        channels = F.conv2d(F.pad(channels, pad, mode="replicate"), shape)
    return channels.view_as(images)


def _perspective(images: Tensor, slope: tuple[float, float]) -> Tensor:
    """Seen from a plane that is tilted about its middle: a homography."""
    plane = torch.eye(2, 3).expand(len(images), 2, 3)
    grid = F.affine_grid(plane, list(images.shape), align_corners=False)  # (N, H, W, 2)
    depth = 1 + slope[0] * grid[..., :1] + slope[1] * grid[..., 1:]
    return F.grid_sample(images, grid / depth, align_corners=False)


def _edges(images: Tensor, random: torch.Generator) -> Tensor:
    """The size of the gradient of each channel by Sobel's filter, at most 1."""
    row = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
    kernels = torch.stack([row, row.T])[:, None]  # (2, 1, 3, 3)
    channels = F.pad(images.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    gradients = F.conv2d(channels, kernels)  # (N * C, 2, H, W)
    return gradients.square().sum(dim=1).sqrt().clamp(max=1).view_as(images)


def _noise(images: Tensor, random: torch.Generator) -> Tensor:
    """Normal noise whose deviation is .1, .2, .3 or .4 in turn."""
    deviation = 0.1 * (1 + torch.arange(len(images)) % 4).view(-1, 1, 1, 1)
    return images + deviation * torch.randn(images.shape, generator=random)


def _convolution(images: Tensor, random: torch.Generator) -> Tensor:
    """Every eighth image under the same filter."""
    changed = images.clone()
    for at in range(min(8, len(images))):
        changed[at::8] = random_convolution(images[at::8], random)
    return changed


def _occlusion(images: Tensor, random: torch.Generator) -> Tensor:
    """A grey rectangle of .3 to .5 of the side each way, anywhere inside the image."""
    side = images.shape[-1]
    lengths = 0.3 + 0.2 * torch.rand(2, len(images), 1, generator=random)  # of the side
    starts = (1 - lengths) * torch.rand(2, len(images), 1, generator=random)
    at = (torch.arange(side) + 0.5) / side
    inside = (at >= starts) & (at <= starts + lengths)  # (2, N, side)
    hidden = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return torch.where(hidden, 0.5, images)


def _pixelate(images: Tensor, share: float) -> Tensor:
    """Averaged down to a share of the resolution, and up again without smoothing."""
    small = F.interpolate(images, size=max(2, round(share * images.shape[-1])), mode="area")
    return F.interpolate(small, size=images.shape[-2:], mode="nearest")


_TRANSFORMATIONS: Mapping[str, Transformation] = {
    "colour": two_colours,
    "brightness": _in_turn(torch.pow, (0.4, 0.65, 1.6, 2.5)),
    "contrast": _in_turn(_contrast, (0.3, 0.5, 1.6, 2.2)),
    "solarise": _in_turn(_solarise, (0.0, 0.25, 0.5, 0.75)),
    "posterise": _in_turn(_posterise, (2, 3, 5)),
    "blur": _in_turn(_blur, (0.02, 0.035, 0.05, 0.07)),
    "noise": _noise,
    "geometry": deform,
    "perspective": _in_turn(_perspective, ((0.4, 0.0), (-0.4, 0.0), (0.0, 0.4), (0.3, -0.3))),
    "edges": _edges,
    "texture": over_texture,
    "convolution": _convolution,
    "occlusion": _occlusion,
    "pixelate": _in_turn(_pixelate, (0.5, 0.35, 0.25)),
}
