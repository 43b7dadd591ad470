"""The data of a trial: its domains loaded, divided and ready to give batches.

Each division has a seed of its own, derived from the trial's, so that nothing else shifts it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from dgsearch.data.batches import Split, place_pixels
from dgsearch.data.benchmark import Benchmark, Domain
from dgsearch.data.registry import find_benchmark
from dgsearch.errors import DataError
from dgsearch.seeding import derive_seed
from dgsearch.study.spec import DataSpec
from dgsearch.wording import plural

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


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """Which images a split holds.

    Attributes:
        domains: Names of the domains, whose images are counted one after another.
        rows: int64, (N,), from 0.
    """

    domains: tuple[str, ...]
    rows: Tensor


@dataclass(frozen=True)
class TrialData:
    """The splits of one trial.

    Attributes:
        splits: By name; `source/train`, `source/validation`, and `target/test/<domain>`; for
            methods that train for one target also `target/train` and `target/validation`.
        labels: Names of the classes.
        image_size: H = W in pixels.
        rows: Which images each split holds.
        warnings: What a reader of the results must know about the classes.
    """

    splits: Mapping[str, Split]
    labels: tuple[str, ...]
    image_size: int
    rows: Mapping[str, Rows] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

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
    spec: DataSpec,
    *,
    seed: int,
    device: torch.device,
    one_target: bool = False,
    channels_last: bool = True,
) -> TrialData:
    """Load and split the data of one trial.

    Args:
        spec: `[data]` of the study.
        seed: The trial's seed: it decides the split and, with `redraw`, the drawn copy.
        device: Where the splits are kept, if they are small enough, or batches are moved to.
        one_target: Divide the target into parts for training, validation and test; otherwise
            all of it is for testing, or the test part of its official division.
        channels_last: Memory order of the batches.

    Raises:
        DataError: If the data is missing or a part comes out empty.
    """
    benchmark = _benchmark(spec.benchmark, spec.root, spec.image_size, spec.download)
    drawn = seed if spec.redraw else 0
    groups = (*([spec.source] if spec.source else []), *zip(spec.targets))
    sides = [_side(benchmark, names, drawn) for names in groups]
    warnings = tuple(_class_warnings(benchmark, sides, source=bool(spec.source)))
    for warning in warnings:
        logger.warning("%s: %s", benchmark.name, warning)
    divided = [divide_source(sides[0], spec, seed)] if spec.source else []
    for target in sides[len(divided) :]:
        tested = {f"{TARGET_TEST}/{target.names[0]}": target.tested_on}
        divided.append(divide_target(target, spec, seed) if one_target else tested)
    form = torch.channels_last if channels_last else torch.contiguous_format
    splits = _splits(sides, divided, device, form)
    rows = {
        name: Rows(side.names, part)
        for side, parts in zip(sides, divided, strict=True)
        for name, part in parts.items()
    }
    return TrialData(splits, benchmark.labels, benchmark.image_size, rows, warnings)


@lru_cache(maxsize=8)
def _benchmark(name: str, root: str | None, image_size: int | None, download: bool) -> Benchmark:
    """A benchmark, which remembers what it has read, for the trials of this process."""
    return find_benchmark(name, root, image_size=image_size, download=download)


def _side(benchmark: Benchmark, names: Sequence[str], seed: int) -> Side:
    return Side(tuple(names), tuple(benchmark.load(name, seed=seed) for name in names))


def _splits(
    sides: Sequence[Side],
    divided: Sequence[Mapping[str, Tensor]],
    device: torch.device,
    form: torch.memory_format,
) -> dict[str, Split]:
    """Every split, its images where they fit best."""
    images = [[domain.images for domain in side.domains] for side in sides]
    placed = place_pixels(images, divided, device, form)
    return {
        name: Split(placed[name], side.labels[rows], device, fingerprint=side.fingerprint_of(rows))
        for side, parts in zip(sides, divided, strict=True)
        for name, rows in parts.items()
    }


def _class_warnings(benchmark: Benchmark, sides: Sequence[Side], *, source: bool) -> Iterator[str]:
    """Where a target has classes of which the source has no image, or lacks some of its own.

    Without a source, whose first side it would be, a target is compared with all classes.
    """
    known = set(sides[0].labels.tolist()) if source else set(range(len(benchmark.labels)))
    named = "+".join(sides[0].names)
    for side in sides[1:] if source else sides:
        tested = set(side.labels.tolist())
        target = side.names[0]
        if unknown := sorted(tested - known):
            yield (
                f"{named} has no image of {_named(benchmark, unknown)}; no method can learn to "
                f"recognise them, and their images in {target} count as errors"
            )
        if absent := sorted(known - tested):
            yield (
                f"{target} has no image of {_named(benchmark, absent)}; its accuracy is that of "
                f"the other {plural(len(known & tested), 'class')}"
            )


def _named(benchmark: Benchmark, numbers: Sequence[int]) -> str:
    """`3 of the 65 classes (Bed, Bike, Bottle)`."""
    shown = ", ".join(benchmark.labels[number] for number in numbers[:5])
    more = ", ..." if len(numbers) > 5 else ""
    return f"{len(numbers)} of the {len(benchmark.labels)} classes ({shown}{more})"
