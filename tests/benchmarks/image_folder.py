"""How fast batches come from a tree of images: ImageFolder with a DataLoader, against the cache.

Writes 20,000 small JPEGs, then times in one run: decoding all of them once on all cores into the
cache; an epoch of torchvision's `ImageFolder`, resized to the same size, through a `DataLoader`
with 2 workers; an epoch from the cache. Both give the same pixels, float32 in [0, 1].

Usage: python tests/benchmarks/image_folder.py [--images 20000] [--size 32] [--repeat 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Resize, ToTensor

from dgsearch.data import batches
from dgsearch.data.batches import Split
from dgsearch.data.splits import load_trial_data
from dgsearch.study import DataSpec

BATCH = 64
CLASSES = 10


def write_images(root: Path, count: int) -> None:
    """`<root>/<domain>/<class>/*.jpg` of 48 x 40 noisy pixels; a few in a second domain."""
    random = np.random.default_rng(0)
    for domain, images in (("one", count), ("two", CLASSES)):
        for number in range(images):
            folder = root / domain / f"class_{number % CLASSES}"
            folder.mkdir(parents=True, exist_ok=True)
            array = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
            picture = Image.fromarray(array).resize((48, 40), Image.Resampling.BICUBIC)
            picture.save(folder / f"{number:06d}.jpg", quality=90)


def seconds(call: Callable[[], int]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def loader_epoch(loader: DataLoader[tuple[torch.Tensor, torch.Tensor]]) -> int:
    """Every batch of a shuffled epoch through torchvision."""
    return sum(len(labels) for _, labels in loader)


def split_epoch(split: Split, order: torch.Generator) -> int:
    """Every batch of a shuffled epoch from the cache."""
    return sum(len(batch) for batch in split.batches(BATCH, order))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        os.environ["DGSEARCH_CACHE"] = str(Path(folder) / "cache")
        write_images(root, arguments.images)
        compare(root, arguments.size, arguments.repeat)


def compare(root: Path, size: int, repeat: int) -> None:
    """Time both ways in turns."""
    spec = DataSpec(
        benchmark="folder",
        source=("one",),
        targets=("two",),
        root=str(root),
        image_size=size,
        validation=1e-3,
    )
    batches.FLOAT_BYTES = 0  # as for data that does not fit: bytes mapped from the file
    cpu = torch.device("cpu")
    started = time.perf_counter()
    split = load_trial_data(spec, seed=0, device=cpu).splits["source/train"]
    first = time.perf_counter() - started
    dataset = ImageFolder(str(root / "one"), Compose([Resize((size, size)), ToTensor()]))
    loader: DataLoader[tuple[torch.Tensor, torch.Tensor]] = DataLoader(
        dataset, batch_size=BATCH, shuffle=True, num_workers=2
    )
    order = torch.Generator().manual_seed(0)
    theirs, ours = [], []
    for _ in range(repeat):
        theirs.append(seconds(lambda: loader_epoch(loader)))
        ours.append(seconds(lambda: split_epoch(split, order)))
    epoch, cached = statistics.median(theirs), statistics.median(ours)
    threads = torch.get_num_threads()
    print(f"{len(dataset)} images at {size} px, batches of {BATCH}, {threads} threads")
    print(f"first pass, decoding into the cache: {first / epoch:.2f} epochs of ImageFolder")
    print(f"later epochs: {epoch / cached:.1f} times faster than ImageFolder (bound: 10)")


if __name__ == "__main__":
    main()
