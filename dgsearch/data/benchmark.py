"""What a benchmark is: named domains over one set of classes, loaded as arrays.

Shapes: N images, C channels (3), H = W pixels a side.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from dgsearch.errors import DataError

__all__ = ["Benchmark", "Domain"]


@dataclass(frozen=True)
class Domain:
    """The images of one domain.

    Attributes:
        images: uint8, (N, 3, H, W), 0..255.
        labels: int64, (N,), 0..num_classes-1.
    """

    images: Tensor
    labels: Tensor

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
        digest = hashlib.blake2b(repr(tuple(self.images.shape)).encode(), digest_size=8)
        digest.update(self.images.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()


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
