"""A split gives batches of images and labels on the device.

Shapes: B images of a batch, C = 3 channels, H = W pixels a side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dgsearch.data.benchmark import Domain
from dgsearch.data.pixels import FloatPixels, Pixels

__all__ = ["Batch", "Split", "in_parts"]


@dataclass(frozen=True)
class Batch:
    """A few images and their labels: float32 (B, C, H, W) in [0, 1] and int64 (B,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


class Split:
    """A part of one or several domains, ready to give batches on the device."""

    def __init__(
        self,
        images: Tensor | Pixels,
        labels: Tensor,
        device: torch.device,
        *,
        fingerprint: str | None = None,
        form: torch.memory_format = torch.channels_last,
    ) -> None:
        """Keep the images ready for training.

        Args:
            images: uint8, (N, C, H, W), kept as float32 on the device; or where they lie.
            labels: int64, (N,).
            device: Where batches are needed.
            fingerprint: Hash of the content; None: of `images` and `labels`, when asked for.
            form: Memory order of images that are kept here.
        """
        self._known_fingerprint = fingerprint
        self._bytes = images if isinstance(images, Tensor) else None
        self.labels = labels.to(device)
        self._pixels: Pixels = (
            FloatPixels(images, device, form) if isinstance(images, Tensor) else images
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> Tensor:
        """All images at once, float32 (N, C, H, W) in [0, 1]; only for small splits."""
        return self._pixels.span(0, len(self))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content, 16 hexadecimal digits."""
        if self._known_fingerprint is not None:
            return self._known_fingerprint
        images = self.images.mul(255).round().byte() if self._bytes is None else self._bytes
        return Domain(images.cpu(), self.labels.cpu()).fingerprint

    def take(self, index: Tensor) -> Batch:
        """The images at `index`, (B,), in that order."""
        return Batch(self._pixels.take(index), self.labels[index])

    def first(self, count: int) -> Split:
        """The first `count` images, or all where there are fewer, as a split of their own."""
        images = self._pixels.span(0, min(count, len(self)))
        labels = self.labels[:count]
        return Split(images.mul(255).round().byte(), labels, labels.device)

    def batches(
        self, size: int, generator: torch.Generator, *, smallest: int = 1
    ) -> Iterator[Batch]:
        """One pass in random order.

        Args:
            size: Images a batch; the last one may be smaller.
            generator: On the CPU; decides the order.
            smallest: A last batch with fewer images joins the one before it.
        """
        order = torch.randperm(len(self), generator=generator).to(self.labels.device)
        return (self.take(part) for part in in_parts(order, size, smallest=smallest))

    def in_order(self, size: int) -> Iterator[Batch]:
        """One pass in the stored order, for evaluation."""
        bounds = range(0, len(self), size)
        return (
            Batch(
                self._pixels.span(start, min(start + size, len(self))),
                self.labels[start : start + size],
            )
            for start in bounds
        )


def in_parts(order: Tensor, size: int, *, smallest: int = 1) -> list[Tensor]:
    """An order of images, (N,), in parts of `size`; a smaller last one may join its neighbour."""
    parts = list(order.split(size))
    if len(parts) > 1 and len(parts[-1]) < smallest:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
