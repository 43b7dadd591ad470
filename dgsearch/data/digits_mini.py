"""`digits-mini`: ten digits in six domains, drawn on the spot with nothing to download.

Real handwriting is scikit-learn's `load_digits` (1,797 scans of 8x8 pixels). The scans are
divided before anything is drawn: no image of `photo` or `slanted` derives from a scan that
`scan` or `textured` contains. Each domain imitates what sets apart one of the usual digit
benchmarks: MNIST (`scan`), MNIST-M (`photo`), SYN (`typeset`), SVHN (`street`), USPS (`slanted`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from dgsearch.data.benchmark import Domain
from dgsearch.environment import cache_folder
from dgsearch.errors import DataError, one_of
from dgsearch.files import atomic_write

VERSION = 1  # raise it whenever a drawn pixel changes


class DigitsMini:
    """The benchmark; `load` draws what is not yet in the cache.

    Attributes:
        root: Folder of the cache.
    """

    name = "digits-mini"
    domains = ("scan", "photo", "typeset", "street", "slanted", "textured")
    labels = tuple(str(digit) for digit in range(10))
    image_size = 32
    summary = "ten digits, real scans and drawn variants, 32x32, nothing to download"

    def __init__(self, root: Path | None = None) -> None:
        """Use `root` as the cache; None: `$DGSEARCH_CACHE`, or `~/.cache/dgsearch`."""
        self.root = root or cache_folder()

    def load(self, domain: str, *, seed: int = 0) -> Domain:
        """The images of one domain, from the cache or drawn now.

        Args:
            domain: One of `domains`.
            seed: Which copy to draw; it also decides which scans are held for the targets.

        Raises:
            DataError: If there is no such domain.
        """
        if domain not in self.domains:
            raise DataError(
                f"{domain!r} is no domain of {self.name}; {one_of(domain, self.domains)}"
            )
        file = self.root / self.name / f"v{VERSION}-{domain}-{seed}.safetensors"
        cached = _read(file)
        if cached is None:
            from dgsearch.data.digit_domains import draw  # imports SciPy for half a second

            cached = _as_domain(*draw(domain, seed))
            _write(file, cached)
        return cached


def _read(file: Path) -> Domain | None:
    """The domain in the file; None if there is none or it is damaged."""
    try:
        arrays = load_file(file)
        return Domain(arrays["images"], arrays["labels"])
    except (OSError, SafetensorError, KeyError):
        return None


def _write(file: Path, domain: Domain) -> None:
    try:
        with atomic_write(file) as part:
            save_file({"images": domain.images, "labels": domain.labels}, part)
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"drawn images cannot be kept in {file.parent}: {error}; set DGSEARCH_CACHE to a "
            "folder that can be written"
        ) from error


def _as_domain(images: NDArray[np.float32], labels: NDArray[np.int64]) -> Domain:
    """From (N, H, W, 3) in [0, 1] to uint8 (N, 3, H, W)."""
    pixels = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    channels_first = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return Domain(torch.from_numpy(channels_first), torch.from_numpy(labels))
