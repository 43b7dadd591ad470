"""What a benchmark is: named domains over one set of classes, loaded as arrays.

Shapes: N images, C channels (3), H = W pixels a side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from dgsearch.errors import DataError


@dataclass(frozen=True)
class DataPlace:
    """Where a benchmark's data lies and how it is wanted.

    Attributes:
        root: Folder of the data; None: the benchmark's default.
        image_size: H = W in pixels; None: the benchmark's default.
        download: Whether missing files may be fetched.
    """

    root: Path | None = None
    image_size: int | None = None
    download: bool = False


@dataclass(frozen=True)
class Domain:
    """The images of one domain.

    Attributes:
        images: uint8, (N, 3, H, W), 0..255; in memory, or mapped from a file.
        labels: int64, (N,), 0..num_classes-1.
        known_fingerprint: Of the content, where it was computed before; else it is hashed.
        held_out: bool, (N,), the test part of an official division: never trained on, and
            alone tested on; None where there is no such division.
        unreadable: Name of each image that was left out, with the reason.
    """

    images: Tensor
    labels: Tensor
    known_fingerprint: str | None = None
    held_out: Tensor | None = None
    unreadable: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            found = f"{self.images.dtype} {tuple(self.images.shape)}"
            raise DataError(f"images must be uint8 (N, 3, H, W), got {found}")
        if len(self.images) != len(self.labels):
            raise DataError(f"{len(self.images)} images but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content, 16 hexadecimal digits: equal arrays, equal fingerprint."""
        if self.known_fingerprint is not None:
            return self.known_fingerprint
        digest = hashlib.blake2b(repr(tuple(self.images.shape)).encode(), digest_size=8)
        digest.update(self.images.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()

    @property
    def trained_on(self) -> Tensor:
        """Rows that may be trained on, in stored order, (M,)."""
        if self.held_out is None:
            return torch.arange(len(self))
        return torch.nonzero(~self.held_out).flatten()

    @property
    def tested_on(self) -> Tensor:
        """Rows that a target is tested on, in stored order, (M,)."""
        if self.held_out is None:
            return torch.arange(len(self))
        return torch.nonzero(self.held_out).flatten()


class Benchmark(Protocol):
    """A set of domains with the same classes."""

    @property
    def name(self) -> str:
        """As study files write it."""
        ...

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes; their number is the number of classes."""
        ...

    @property
    def image_size(self) -> int:
        """H = W in pixels."""
        ...

    @property
    def summary(self) -> str:
        """One line for `dgsearch data`."""
        ...

    def load(self, domain: str, *, seed: int = 0) -> Domain:
        """The images of one domain.

        Args:
            domain: One of `domains`.
            seed: Which copy to draw, for benchmarks that are drawn; ignored by others.

        Raises:
            DataError: If the data is missing or broken; says what belongs where.
        """
        ...


@runtime_checkable
class Stored(Protocol):
    """A benchmark whose data is files that a person has to put somewhere."""

    @property
    def root(self) -> Path:
        """Folder of the data."""
        ...

    @property
    def published(self) -> Mapping[str, tuple[int, ...]]:
        """How many images each domain has by its publication; several where versions differ."""
        ...

    def expected(self) -> Iterator[str]:
        """Lines that say which files belong where."""
        ...

    def missing(self, domain: str) -> str | None:
        """What is missing of a domain; None if its files are there."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A benchmark that says how it has read unusual files."""

    def remarks(self) -> Iterator[str]:
        """What is unusual about the data and how it was read, a sentence each."""
        ...
