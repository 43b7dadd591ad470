"""Where the images of a split lie: ready as float32, as bytes on the device, or in mapped files.

All three give the same numbers to the last bit; they differ in memory and speed alone.

Shapes: N images, B of a batch, C = 3 channels, H = W pixels a side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from dgsearch.data.benchmark import Domain

__all__ = ["BytePixels", "FloatPixels", "Gallery", "Pixels", "device_has_room", "fits_as_float"]

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


def fits_as_float(domains: Sequence[Domain]) -> bool:
    """Whether the images of a trial are few enough to be kept as float32."""
    return sum(4 * domain.images.numel() for domain in domains) <= FLOAT_BYTES


def device_has_room(galleries: Sequence[Gallery], device: torch.device) -> bool:
    """Whether the bytes of these galleries may be kept on an accelerator."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return sum(gallery.num_bytes for gallery in galleries) <= _DEVICE_SHARE * free
