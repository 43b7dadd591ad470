"""Named splits of a trial's data, on the device, and the batches drawn from them.

Shapes: B images of a batch, C = 3 channels, H = W pixels a side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dgsearch.data.benchmark import Benchmark, Domain
from dgsearch.data.registry import find_benchmark
from dgsearch.errors import DataError
from dgsearch.seeding import derive_seed
from dgsearch.study.spec import DataSpec

__all__ = ["Batch", "Split", "TrialData", "load_trial_data"]

SOURCE_TRAIN = "source/train"
SOURCE_VALIDATION = "source/validation"
TARGET_TRAIN = "target/train"  # only for methods that train for one target
TARGET_VALIDATION = "target/validation"  # likewise
TARGET_TEST = "target/test"  # followed by the name of the domain


@dataclass(frozen=True)
class Batch:
    """A few images and their labels: float32 (B, C, H, W) in [0, 1] and int64 (B,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


class Split:
    """A part of one or several domains, resident on the device."""

    def __init__(self, images: Tensor, labels: Tensor, device: torch.device) -> None:
        """Keep the images ready for training.

        Args:
            images: uint8, (N, C, H, W).
            labels: int64, (N,).
            device: Where batches are needed.
        """
        self._bytes = images
        self.labels = labels.to(device)
        scaled = images.to(device).float().div_(255)
        self.images = scaled.contiguous(memory_format=torch.channels_last)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content, 16 hexadecimal digits."""
        return Domain(self._bytes, self.labels.cpu()).fingerprint

    def take(self, index: Tensor) -> Batch:
        """The images at `index`, (B,), in that order."""
        images = self.images[index].contiguous(memory_format=torch.channels_last)
        return Batch(images, self.labels[index])

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
        parts = list(order.split(size))
        if len(parts) > 1 and len(parts[-1]) < smallest:
            parts[-2:] = [torch.cat(parts[-2:])]
        return (self.take(part) for part in parts)

    def in_order(self, size: int) -> Iterator[Batch]:
        """One pass in the stored order, for evaluation."""
        bounds = range(0, len(self), size)
        return (
            Batch(self.images[start : start + size], self.labels[start : start + size])
            for start in bounds
        )


@dataclass(frozen=True)
class TrialData:
    """The splits of one trial.

    Attributes:
        splits: By name; `source/train`, `source/validation`, and `target/test/<domain>`; for
            methods that train for one target also `target/train` and `target/validation`.
        labels: Names of the classes.
        image_size: H = W in pixels.
        fingerprint: Hash over all splits.
    """

    splits: Mapping[str, Split]
    labels: tuple[str, ...]
    image_size: int

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.labels)

    def only(self, names: Sequence[str], *, reader: str) -> Mapping[str, Split]:
        """The splits that `reader` has declared; asking for another is an error."""
        return _Declared({name: self.splits[name] for name in names}, reader)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of every split with its name, 16 hexadecimal digits."""
        text = " ".join(f"{name}={part.fingerprint}" for name, part in sorted(self.splits.items()))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class _Declared(dict[str, Split]):
    """Splits by name, with an error that names the reader where one was not declared."""

    def __init__(self, splits: Mapping[str, Split], reader: str) -> None:
        super().__init__(splits)
        self._reader = reader

    def __missing__(self, name: str) -> Split:
        raise DataError(f"stage {self._reader!r} read the split {name!r} without declaring it")


def load_trial_data(
    spec: DataSpec, *, seed: int, device: torch.device, one_target: bool = False
) -> TrialData:
    """Load and split the data of one trial.

    Args:
        spec: `[data]` of the study.
        seed: The trial's seed: it decides the split and, with `redraw`, the drawn copy.
        device: Where the splits are kept.
        one_target: Divide the target into parts for training, validation and test; otherwise
            all of it is for testing.

    Raises:
        DataError: If the data is missing or a part comes out empty.
    """
    benchmark = find_benchmark(spec.benchmark, spec.root)
    drawn = seed if spec.redraw else 0
    source = _joined(benchmark, spec.source, seed=drawn)
    parts = {name: (source, index) for name, index in _divide(source, spec, seed).items()}
    for name in spec.targets:
        target = _joined(benchmark, (name,), seed=drawn)
        parts[f"{TARGET_TEST}/{name}"] = (target, torch.arange(len(target)))
        if one_target:
            divided = _divide_target(target, spec, seed)
            parts |= {part: (target, index) for part, index in divided.items()}
    splits = {
        name: Split(domain.images[index], domain.labels[index], device)
        for name, (domain, index) in parts.items()
    }
    return TrialData(splits, benchmark.labels, benchmark.image_size)


def _joined(benchmark: Benchmark, names: tuple[str, ...], *, seed: int) -> Domain:
    parts = [benchmark.load(name, seed=seed) for name in names]
    return Domain(
        torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
    )


def _shuffled(domain: Domain, seed: int, side: str) -> Tensor:
    generator = torch.Generator().manual_seed(derive_seed(seed, "split", side))
    return torch.randperm(len(domain), generator=generator)


def _divide_target(target: Domain, spec: DataSpec, seed: int) -> dict[str, Tensor]:
    """Indices of the target's parts; they do not overlap."""
    train, held_out = spec.student_images, spec.student_validation
    if train + held_out >= len(target):
        raise DataError(
            f"data.student_images = {train} and data.student_validation = {held_out}: leave no "
            f"image of {spec.targets[0]} ({len(target)} in all) for the test; lower them"
        )
    order = _shuffled(target, seed, "target")
    return {
        TARGET_TRAIN: order[:train],
        TARGET_VALIDATION: order[train : train + held_out],
        f"{TARGET_TEST}/{spec.targets[0]}": order[train + held_out :],
    }


def _divide(source: Domain, spec: DataSpec, seed: int) -> dict[str, Tensor]:
    """Indices of the source's training and validation part."""
    order = _shuffled(source, seed, "source")
    held_out = round(spec.validation * len(source))
    if not 0 < held_out < len(source):
        raise DataError(
            f"data.validation = {spec.validation}: leaves {len(source) - held_out} of "
            f"{len(source)} source images for training; choose a share that leaves some on "
            "both sides"
        )
    return {SOURCE_TRAIN: order[held_out:], SOURCE_VALIDATION: order[:held_out]}
