"""Benchmarks whose images are the items of any Python object: decoded once, then mapped.

An object gives `len(items)` and `items[number]`, a pair of an image and the number of its class.
Images may be pictures of Pillow, arrays, tensors, encoded bytes or paths.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dgsearch.data.benchmark import DataPlace, Domain
from dgsearch.data.cache import decoded_domain
from dgsearch.data.image_decoding import Contents, Listing
from dgsearch.data.images import Picture, read_picture, resize_array
from dgsearch.errors import DataError, one_of


class Items(Protocol):
    """Anything with a length whose items are pairs of image and class number."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any: ...


@dataclass(frozen=True)
class Source:
    """The images of one domain.

    Attributes:
        items: Where they come from.
        identity: Text that changes whenever an image or a label changes.
        labels: int64, (N,); None: those of the items.
        held_out: bool, (N,), the test part of an official division; None: there is none.
    """

    items: Items
    identity: str
    labels: NDArray[np.int64] | None = None
    held_out: NDArray[np.bool_] | None = None


class ItemsBenchmark:
    """A benchmark over sources; each is decoded at its first use and kept in the cache."""

    def __init__(
        self,
        name: str,
        sources: Mapping[str, Source],
        labels: Sequence[str],
        *,
        place: DataPlace | None = None,
        summary: str = "",
    ) -> None:
        """Name the domains by the keys of `sources`; images are 224 pixels if not said."""
        place = place or DataPlace()
        self.name = name
        self.domains = tuple(sources)
        self.labels = tuple(labels)
        self.image_size = place.image_size or 224
        self.summary = summary or f"items of {len(sources)} Python objects"
        self._root = place.root or Path(name)
        self._sources = sources
        self._loaded: dict[str, Domain] = {}

    def load(self, domain: str, *, seed: int = 0) -> Domain:
        """The images of one domain."""
        if domain not in self._sources:
            raise DataError(
                f"{domain!r} is no domain of {self.name}; {one_of(domain, self.domains)}"
            )
        if domain not in self._loaded:
            self._loaded[domain] = decoded_domain(self._listing(domain), self.image_size)
        return self._loaded[domain]

    def _listing(self, domain: str) -> Listing:
        source = self._sources[domain]
        return Listing(
            self.name,
            domain,
            self._root,
            f"{self.name} {domain} {source.identity} {len(source.items)} {self.labels}",
            lambda: self._contents(domain, source),
        )

    def _contents(self, domain: str, source: Source) -> Contents:
        """Labels at once, pixels when asked for; one item at a time is taken from its object."""
        lock = threading.Lock()

        def decode(row: int, size: int) -> Picture:
            with lock:
                item = source.items[row]
            return picture_of(item[0], size)

        labels = _labels(source)
        wrong = np.flatnonzero((labels < 0) | (labels >= len(self.labels)))
        if len(wrong):
            raise DataError(
                f"{self.name}: item {wrong[0]} of {domain!r} has the class {labels[wrong[0]]}; "
                f"the classes are 0 to {len(self.labels) - 1}"
            )
        names = [f"{domain}[{row}]" for row in range(len(labels))]
        return Contents(names, labels, decode, source.held_out)


def items_benchmark(
    name: str,
    domains: Mapping[str, Items],
    *,
    labels: Sequence[str],
    identity: str,
    place: DataPlace | None = None,
    summary: str = "",
) -> ItemsBenchmark:
    """A benchmark of Python objects, for an entry point of `dgsearch.benchmarks`.

    Args:
        name: As the entry point is called.
        domains: An object for each domain, such as a data set of torchvision.
        labels: Names of the classes, by number.
        identity: Text to change whenever an image or a label changes: decoded images are kept
            under it.
        place: What the entry point was called with; its image size counts.
        summary: One line for `dgsearch data`.
    """
    sources = {key: Source(items, identity) for key, items in domains.items()}
    return ItemsBenchmark(name, sources, labels, place=place, summary=summary)


def picture_of(image: Any, size: int) -> Picture:
    """An image of any kind as bytes of the training size, (H, W, 3).

    Args:
        image: A picture of Pillow; an array (h, w) or (h, w, 3) of bytes; a tensor (C, h, w) of
            bytes or of numbers in [0, 1]; encoded bytes; or a path.
        size: H = W in pixels.

    Raises:
        DataError: If it is something else or cannot be read; says why.
    """
    if isinstance(image, bytes):
        return read_picture(io.BytesIO(image), size)
    if isinstance(image, str | Path):
        return read_picture(Path(image), size)
    if isinstance(image, Image.Image):
        return resize_array(np.asarray(image.convert("RGB")), size)
    if isinstance(image, torch.Tensor):
        image = _array(image)
    if isinstance(image, np.ndarray) and image.dtype == np.uint8:
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[:, :, 0]
        if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3):
            return resize_array(image, size)
    found = (
        f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    )
    raise DataError(f"is {found}, no picture, bytes (h, w, 3), tensor (C, h, w) or path")


def _array(image: torch.Tensor) -> NDArray[Any]:
    """A tensor (C, h, w) as an array (h, w, C) of bytes."""
    if image.is_floating_point():
        image = image.clamp(0, 1).mul(255).round().to(torch.uint8)
    if image.ndim == 3:
        image = image.permute(1, 2, 0)
    return image.contiguous().cpu().numpy()


def _labels(source: Source) -> NDArray[np.int64]:
    """Class numbers of all items; data sets of torchvision have them as `targets`."""
    if source.labels is not None:
        return source.labels
    known = getattr(source.items, "targets", None)
    if known is None or len(known) != len(source.items):
        known = [source.items[row][1] for row in range(len(source.items))]
    return np.array([int(label) for label in known], dtype=np.int64)
