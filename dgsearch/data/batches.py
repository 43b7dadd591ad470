"""Where the images of a split lie, and how a method gets them in batches.

They are ready as float32, or bytes on the device or in mapped files. All three give the same
numbers to the last bit; they differ in memory and speed alone.

Shapes: N images, B of a batch, C = 3 channels, H = W pixels a side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from dgsearch.data.benchmark import Domain

FLOAT_BYTES = 256 * 2**20  # up to so many bytes, the images of a trial are kept as float32
_DEVICE_SHARE = 0.25  # share of the accelerator's free memory that images may take


class Pixels(Protocol):
    """The images of a split in an order of their own."""

    def __len__(self) -> int: ...

    def take(self, index: Tensor) -> Tensor:
        """The images at `index`, (B,), on the device: float32 (B, C, H, W) in [0, 1]."""
        ...

    def span(self, start: int, stop: int) -> Tensor:
        """The images from `start` to before `stop`, likewise."""
        ...


class FloatPixels:
    """Images ready for use on the device, four bytes a number."""

    def __init__(self, images: Tensor, device: torch.device, form: torch.memory_format) -> None:
        """Convert uint8 images, (N, C, H, W), once."""
        self._form = form
        self._images = images.to(device).float().div_(255).contiguous(memory_format=form)

    def __len__(self) -> int:
        return len(self._images)

    def take(self, index: Tensor) -> Tensor:
        """The images at `index`."""
        return self._images[index].contiguous(memory_format=self._form)

    def span(self, start: int, stop: int) -> Tensor:
        """The images from `start` to before `stop`, without a copy."""
        return self._images[start:stop]


class Gallery:
    """The bytes of one or several domains one after another, which splits take rows of."""

    def __init__(self, parts: Sequence[Tensor]) -> None:
        """Keep uint8 images, (N_i, C, H, W) each, where they are."""
        self._parts = [part.permute(0, 2, 3, 1) for part in parts]  # (N_i, H, W, C), as stored
        ends = torch.tensor([len(part) for part in parts]).cumsum(0).tolist()
        self._bounds = list(zip([0, *ends[:-1]], ends, strict=True))
        self.device = parts[0].device

    def __len__(self) -> int:
        return int(self._bounds[-1][1])

    @property
    def num_bytes(self) -> int:
        """Bytes of all images."""
        return sum(part.numel() for part in self._parts)

    def to(self, device: torch.device) -> Gallery:
        """The same images on a device, as one part."""
        moved = torch.cat([part.to(device) for part in self._parts])
        return Gallery([moved.permute(0, 3, 1, 2)])

    def gather(self, rows: Tensor) -> Tensor:
        """Images by their row, (B,) on the gallery's device: uint8 (B, C, H, W)."""
        if len(self._parts) == 1:
            return self._parts[0].index_select(0, rows).permute(0, 3, 1, 2)
        found = self._parts[0].new_empty(len(rows), *self._parts[0].shape[1:])
        for part, (start, end) in zip(self._parts, self._bounds, strict=True):
            inside = torch.nonzero((rows >= start) & (rows < end)).flatten()
            found[inside] = part.index_select(0, rows[inside] - start)
        return found.permute(0, 3, 1, 2)


class BytePixels:
    """Rows of a gallery, converted batch by batch."""

    def __init__(
        self, gallery: Gallery, rows: Tensor, device: torch.device, form: torch.memory_format
    ) -> None:
        """Take `rows`, (N,), of a gallery that lies on `device` or in the host's memory."""
        self._gallery = gallery
        self._rows = rows.to(gallery.device)
        self._device = device
        self._form = form

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, index: Tensor) -> Tensor:
        """The images at `index`."""
        return self._ready(self._rows[index.to(self._rows.device)])

    def span(self, start: int, stop: int) -> Tensor:
        """The images from `start` to before `stop`."""
        return self._ready(self._rows[start:stop])

    def _ready(self, rows: Tensor) -> Tensor:
        images = self._gallery.gather(rows).to(self._device)
        return images.float().div_(255).contiguous(memory_format=self._form)


def place_pixels(
    sides: Sequence[Sequence[Tensor]],
    divided: Sequence[Mapping[str, Tensor]],
    device: torch.device,
    form: torch.memory_format,
) -> dict[str, Pixels]:
    """The images of every split where they fit best: float32, or bytes here or there.

    Args:
        sides: Of each side the images of its domains, uint8 (N, C, H, W).
        divided: Of each side the rows of its splits, by name.
        device: Where batches are needed.
        form: Memory order of the images.
    """
    if _fits_as_float([images for side in sides for images in side]):
        return {
            name: FloatPixels(torch.cat(list(side))[rows], device, form)
            for side, parts in zip(sides, divided, strict=True)
            for name, rows in parts.items()
        }
    galleries = [Gallery(side) for side in sides]
    if _device_has_room(galleries, device):
        galleries = [gallery.to(device) for gallery in galleries]
    return {
        name: BytePixels(gallery, rows, device, form)
        for gallery, parts in zip(galleries, divided, strict=True)
        for name, rows in parts.items()
    }


def _fits_as_float(domains: Sequence[Tensor]) -> bool:
    """Whether the images of a trial are few enough to be kept as float32."""
    return sum(4 * images.numel() for images in domains) <= FLOAT_BYTES


def _device_has_room(galleries: Sequence[Gallery], device: torch.device) -> bool:
    """Whether the bytes of these galleries may be kept on an accelerator."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return sum(gallery.num_bytes for gallery in galleries) <= _DEVICE_SHARE * free


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
