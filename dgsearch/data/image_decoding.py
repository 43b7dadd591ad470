"""Decoding the images of a domain on all cores, into one array of bytes.

Threads do it: decoders and resizing let other threads run, and threads work in any process, a
Ray actor or a notebook, without starting an interpreter each.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgsearch.data.images import Picture
from dgsearch.errors import DataError
from dgsearch.processes import available_cores

_CHUNK = 64  # images that a thread decodes at a time
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class Contents:
    """The images of a domain before they are decoded.

    Attributes:
        names: Name of each image, as messages show it.
        labels: int64, (N,).
        decode: From the number of an image and the size to (H, W, 3); raises DataError with the
            reason if it cannot.
        held_out: bool, (N,), see `Domain`.
    """

    names: Sequence[str]
    labels: NDArray[np.int64]
    decode: Callable[[int, int], Picture]
    held_out: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Listing:
    """What identifies the data of a domain, and how to get at it.

    Attributes:
        benchmark: Name of the benchmark.
        domain: Name of the domain.
        root: Folder from which it comes.
        identity: Text that changes whenever a file or a label changes.
        contents: Called only if the data is not in the cache.
    """

    benchmark: str
    domain: str
    root: Path
    identity: str
    contents: Callable[[], Contents]


@dataclass(frozen=True)
class Decoded:
    """What became of a listing.

    Attributes:
        digests: Hash of each image, uint8, (N, 16); zeros where it cannot be read.
        unreadable: Reason by row, in order.
    """

    digests: NDArray[np.uint8]
    unreadable: dict[int, str]

    @property
    def kept(self) -> NDArray[np.int64]:
        """Rows that could be read, in order."""
        readable = np.ones(len(self.digests), dtype=bool)
        readable[list(self.unreadable)] = False
        return np.flatnonzero(readable).astype(np.int64)


def decode_all(contents: Contents, images: NDArray[np.uint8], *, title: str) -> Decoded:
    """Decode every image of a domain, with a progress bar where a person is watching.

    Args:
        contents: What to decode.
        images: Where to, (N, H, W, 3); rows that cannot be read are left as they are.
        title: Of the progress bar.
    """
    size = images.shape[1]
    digests = np.zeros((len(contents), _DIGEST_BYTES), dtype=np.uint8)
    unreadable: dict[int, str] = {}

    def run(rows: range) -> int:
        for row in rows:
            try:
                images[row] = contents.decode(row, size)
            except DataError as error:
                unreadable[row] = str(error)
                continue
            digest = hashlib.blake2b(images[row].tobytes(), digest_size=_DIGEST_BYTES)
            digests[row] = np.frombuffer(digest.digest(), dtype=np.uint8)
        return len(rows)

    starts = range(0, len(contents), _CHUNK)
    chunks = [range(start, min(start + _CHUNK, len(contents))) for start in starts]
    with warnings.catch_warnings(), ThreadPoolExecutor(available_cores()) as pool:
        warnings.simplefilter("ignore")  # odd metadata; what matters is whether pixels come
        _show(pool.map(run, chunks), title, len(contents))
    return Decoded(digests, dict(sorted(unreadable.items())))


def _show(done: Iterator[int], title: str, total: int) -> None:
    """Wait for all, counting what is done on a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns: list[Any] = ["{task.description}", BarColumn(), MofNCompleteColumn()]
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(title, total=total)
        for count in done:
            progress.update(task, advance=count)
