"""Classifiers with their features exposed: an extractor f_θ, then a linear head h_ψ.

Shapes: B images, C = 3 channels, H = W pixels, d features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dgsearch.errors import MethodError
from dgsearch.methods.acceleration import Acceleration
from dgsearch.methods.architectures import (
    Architecture,
    Standardise,
    batch_norms,
    feature_shape,
    find_architecture,
    fit_size,
    raise_momentum,
)
from dgsearch.methods.backbones import load_weights
from dgsearch.methods.network_names import OWN_NETWORKS


class Centre(nn.Module):
    """Pixels from [0, 1] to [-1, 1]."""

    def forward(self, images: Tensor) -> Tensor:
        """Images of any shape."""
        return images.mul(2).sub(1)


class Classifier(nn.Module):
    """An extractor and a head; the normalisation of the input belongs to the network.

    Shape:
        images (B, C, H, W) in [0, 1] -> logits (B, K).

    Attributes:
        num_features: d.
        smallest_batch: Images that a training step needs at least; 2 where batch norm may meet
            a single pixel.
        acceleration: How the extractor computes; features and logits are float32 whatever it is.
    """

    def __init__(
        self,
        extractor: nn.Module,
        num_features: int,
        num_classes: int,
        *,
        normalise: nn.Module | None = None,
        smallest_batch: int = 1,
    ) -> None:
        """Join an extractor, (B, C, H, W) -> (B, d), and a linear head.

        Args:
            extractor: What makes features.
            num_features: d.
            num_classes: K.
            normalise: What the extractor expects of pixels in [0, 1]; None: `Centre`.
            smallest_batch: Images that a training step needs at least.
        """
        super().__init__()
        self.extractor = extractor
        self.head = nn.Linear(num_features, num_classes)
        self.normalise = Centre() if normalise is None else normalise
        self.num_features = num_features
        self.smallest_batch = smallest_batch
        self.acceleration = Acceleration()

    def features(self, images: Tensor) -> Tensor:
        """f_θ: images (B, C, H, W) in [0, 1] to features (B, d), float32."""
        if not self.acceleration.channels_last:
            images = images.contiguous()
        with self.acceleration.autocast(images.device):
            features: Tensor = self.extractor(self.normalise(images))
        return features.float()

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
    """The ConvNet of the digits protocol (methods of ADA, ME-ADA, PDEN and AdvST agree).

    It sees pixels in [0, 1] as they are, as there.
    """
    extractor = _convnet((64, 128), (1024, 1024), image_size)
    return Classifier(extractor, 1024, num_classes, normalise=nn.Identity())


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


NETWORKS: dict[str, Callable[[int, int], Classifier]] = dict(
    zip(OWN_NETWORKS, (_small, _digits, _teacher, _student), strict=True)
)


def _found(name: str, num_classes: int, image_size: int) -> tuple[Classifier, tuple[str, ...]]:
    """A network that is not ours, and the beginnings of the names of its last layer's weights."""
    found = find_architecture(name, num_classes=num_classes, image_size=image_size)
    if isinstance(found.module, Classifier):
        return found.module, found.heads
    resize = fit_size(name, found, image_size)
    shape = feature_shape(found.module, image_size if resize is None else resize.size)
    if shape is None or len(shape) != 2:
        raise MethodError(
            f"{name} maps two images to {shape}, not to (2, d); flatten or pool its features"
        )
    normalise = _normalisation(found)
    classifier = Classifier(
        found.module,
        shape[1],
        num_classes,
        normalise=normalise if resize is None else nn.Sequential(resize, normalise),
        smallest_batch=2 if batch_norms(found.module) else 1,
    )
    return classifier, found.heads


def _normalisation(found: Architecture) -> nn.Module:
    if found.mean is None or found.deviation is None:
        return nn.Identity()
    return Standardise(found.mean, found.deviation)


def build_network(  # noqa: PLR0913 - each is named at the call
    name: str,
    *,
    num_classes: int,
    image_size: int,
    seed: int,
    device: torch.device,
    weights: str = "none",
    acceleration: Acceleration | None = None,
) -> Classifier:
    """A new classifier with its initial weights; the head's are always drawn.

    Args:
        name: One of those that `dgsearch networks` lists, or `package.module:function`.
        num_classes: K.
        image_size: H = W in pixels.
        seed: Of the initial weights.
        device: Where it will be used.
        weights: Of the extractor: "none" to draw them, "imagenet", or the path of a file.
        acceleration: How it computes; None: in float32, channels last.

    Raises:
        MethodError: If there is no such network, or no such weights.
    """
    accelerated = acceleration or Acceleration()
    heads: tuple[str, ...] = ("head",)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in NETWORKS:
            network = NETWORKS[name](num_classes, image_size)
        else:
            network, heads = _found(name, num_classes, image_size)
    if weights == "none":
        raise_momentum(network.extractor)
    load_weights(network.extractor, name, weights, heads=heads)
    network.acceleration = accelerated
    accelerated.set_process(device)
    network.to(device=device, memory_format=accelerated.memory_format)  # type: ignore[call-overload]
    if accelerated.compiled:
        network.extractor.compile()
    return network


@contextmanager
def keeping_statistics(network: nn.Module) -> Iterator[None]:
    """Forward passes in training mode that leave the running statistics of batch norms alone."""
    layers = batch_norms(network)
    momenta = [layer.momentum for layer in layers]
    counts = [_count(layer).clone() for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # the weight of the new batch
    try:
        yield
    finally:
        for layer, momentum, count in zip(layers, momenta, counts, strict=True):
            layer.momentum = momentum
            _count(layer).copy_(count)


def _count(layer: _BatchNorm) -> Tensor:
    count = layer.num_batches_tracked
    if count is None:
        raise MethodError(f"{layer} keeps no running statistics; choose another network")
    return count
