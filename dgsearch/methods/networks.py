"""Classifiers with their features exposed: an extractor f_θ, then a linear head h_ψ.

Shapes: B images, C = 3 channels, H = W pixels, d features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgsearch.errors import MethodError, one_of

__all__ = ["NETWORKS", "Classifier", "build_network"]


class Classifier(nn.Module):
    """An extractor and a head; the normalisation of the input belongs to the network.

    Shape:
        images (B, C, H, W) in [0, 1] -> logits (B, K).
    """

    def __init__(self, extractor: nn.Module, num_features: int, num_classes: int) -> None:
        """Join an extractor, (B, C, H, W) -> (B, d), and a linear head."""
        super().__init__()
        self.extractor = extractor
        self.head = nn.Linear(num_features, num_classes)
        self.num_features = num_features

    def features(self, images: Tensor) -> Tensor:
        """f_θ: images (B, C, H, W) in [0, 1] to features (B, d)."""
        centred = images.mul(2).sub(1)  # [-1, 1]
        features: Tensor = self.extractor(centred)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """h_ψ(f_θ(images)): logits (B, K)."""
        logits: Tensor = self.head(self.features(images))
        return logits


def _convnet(widths: tuple[int, int], hidden: tuple[int, ...], image_size: int) -> nn.Module:
    """Two 5x5 convolutions with pooling, then fully connected layers, ReLU after each.

    Pooling comes before ReLU: the result is the same, for a quarter of the work.
    """
    first, second = widths
    side = ((image_size - 4) // 2 - 4) // 2
    layers: list[nn.Module] = [
        nn.Conv2d(3, first, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(first, second, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
    ]
    size = second * side * side
    for width in hidden:
        layers += [nn.Linear(size, width), nn.ReLU()]
        size = width
    return nn.Sequential(*layers)


def _small(num_classes: int, image_size: int) -> Classifier:
    return Classifier(_convnet((16, 32), (128,), image_size), 128, num_classes)


def _digits(num_classes: int, image_size: int) -> Classifier:
    """The ConvNet of the digits protocol (methods of ADA, ME-ADA, PDEN and AdvST agree)."""
    return Classifier(_convnet((64, 128), (1024, 1024), image_size), 1024, num_classes)


def _normed(widths: tuple[int, ...]) -> nn.Sequential:
    """3x3 convolutions, each with batch norm and pooling, flattened."""
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        layers += [
            nn.Conv2d(channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.MaxPool2d(2),
            nn.ReLU(),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Flatten())


def _teacher(num_classes: int, image_size: int) -> Classifier:
    size = 96 * (image_size // 8) ** 2
    extractor = nn.Sequential(*_normed((24, 48, 96)), nn.Linear(size, 64), nn.ReLU())
    return Classifier(extractor, 64, num_classes)


def _student(num_classes: int, image_size: int) -> Classifier:
    return Classifier(_normed((12, 24, 48)), 48 * (image_size // 8) ** 2, num_classes)


NETWORKS: dict[str, Callable[[int, int], Classifier]] = {
    "convnet-small": _small,
    "convnet-digits": _digits,
    "convnet-teacher": _teacher,
    "convnet-student": _student,
}


def build_network(
    name: str, *, num_classes: int, image_size: int, seed: int, device: torch.device
) -> Classifier:
    """A new classifier with its initial weights.

    Args:
        name: One of `NETWORKS`.
        num_classes: K.
        image_size: H = W in pixels.
        seed: Of the initial weights.
        device: Where it will be used.

    Raises:
        MethodError: If there is no such network.
    """
    if name not in NETWORKS:
        raise MethodError(f"network = {name!r}: {one_of(name, tuple(NETWORKS))}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS[name](num_classes, image_size)
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
