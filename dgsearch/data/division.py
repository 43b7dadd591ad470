"""How domains are divided: which rows are trained on, selected by, and tested on.

Each division has a seed of its own, derived from the trial's, so that nothing else shifts it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dgsearch.data.benchmark import Domain
from dgsearch.errors import DataError
from dgsearch.seeding import derive_seed
from dgsearch.study.spec import DataSpec

__all__ = [
    "SOURCE_TRAIN",
    "SOURCE_VALIDATION",
    "TARGET_TEST",
    "TARGET_TRAIN",
    "TARGET_VALIDATION",
    "Side",
    "divide_source",
    "divide_target",
]

SOURCE_TRAIN = "source/train"
SOURCE_VALIDATION = "source/validation"
TARGET_TRAIN = "target/train"  # only for methods that train for one target
TARGET_VALIDATION = "target/validation"  # likewise
TARGET_TEST = "target/test"  # followed by the name of the domain


@dataclass(frozen=True)
class Side:
    """Domains one after another, as one set of rows.

    Attributes:
        names: Names of the domains.
        domains: The domains.
    """

    names: tuple[str, ...]
    domains: tuple[Domain, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def labels(self) -> Tensor:
        """int64, (N,)."""
        return torch.cat([domain.labels for domain in self.domains])

    @property
    def trained_on(self) -> Tensor:
        """Rows that may be trained on, (M,)."""
        return self._shifted([domain.trained_on for domain in self.domains])

    @property
    def tested_on(self) -> Tensor:
        """Rows that a target is tested on, (M,)."""
        return self._shifted([domain.tested_on for domain in self.domains])

    @property
    def divided(self) -> bool:
        """Whether an official division holds rows out."""
        return any(domain.held_out is not None for domain in self.domains)

    def fingerprint_of(self, rows: Tensor) -> str | None:
        """Hash of some rows by the domains' own; None where these would have to be hashed."""
        known = [domain.known_fingerprint for domain in self.domains]
        if None in known:
            return None
        digest = hashlib.blake2b(" ".join(map(str, known)).encode(), digest_size=8)
        digest.update(rows.contiguous().numpy().data)
        return digest.hexdigest()

    def _shifted(self, rows: Sequence[Tensor]) -> Tensor:
        """Rows of each domain as rows of the whole."""
        starts = [0, *torch.tensor([len(domain) for domain in self.domains]).cumsum(0).tolist()]
        return torch.cat([part + start for part, start in zip(rows, starts, strict=False)])


def divide_source(source: Side, spec: DataSpec, seed: int) -> dict[str, Tensor]:
    """Rows of the source's training and validation part.

    Raises:
        DataError: If one of them comes out empty.
    """
    allowed = source.trained_on
    order = allowed[_shuffled(len(allowed), seed, "source")]
    held_out = round(spec.validation * len(order))
    if not 0 < held_out < len(order):
        raise DataError(
            f"data.validation = {spec.validation}: leaves {len(order) - held_out} of "
            f"{len(order)} source images for training; choose a share that leaves some on "
            "both sides"
        )
    return {SOURCE_TRAIN: order[held_out:], SOURCE_VALIDATION: order[:held_out]}


def divide_target(target: Side, spec: DataSpec, seed: int) -> dict[str, Tensor]:
    """Rows of the target's parts, which do not overlap, for a student that trains on it.

    An official test part stays the test part.

    Raises:
        DataError: If too few images are left.
    """
    name = target.names[0]
    train, held_out = spec.student_images, spec.student_validation
    allowed = target.trained_on
    needed = train + held_out + (0 if target.divided else 1)
    if needed > len(allowed):
        raise DataError(
            f"data.student_images = {train} and data.student_validation = {held_out}: leave no "
            f"image of {name} ({len(allowed)} in all) for the test; lower them"
        )
    order = allowed[_shuffled(len(allowed), seed, "target")]
    rest = target.tested_on if target.divided else order[train + held_out :]
    return {
        TARGET_TRAIN: order[:train],
        TARGET_VALIDATION: order[train : train + held_out],
        f"{TARGET_TEST}/{name}": rest,
    }


def _shuffled(count: int, seed: int, side: str) -> Tensor:
    generator = torch.Generator().manual_seed(derive_seed(seed, "split", side))
    return torch.randperm(count, generator=generator)
