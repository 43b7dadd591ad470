"""The benchmarks that are installed, by the name that study files use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from dgsearch.data.benchmark import Benchmark, DataPlace
from dgsearch.data.digits import Digits
from dgsearch.data.layouts import (
    DOMAINNET,
    OFFICE31,
    OFFICEHOME,
    PACS,
    VISDA2017,
    folder_benchmark,
)
from dgsearch.data.trees import TreeBenchmark
from dgsearch.errors import DataError, one_of

__all__ = ["benchmark_domains", "benchmark_names", "find_benchmark"]


def _digits_mini(place: DataPlace) -> Benchmark:
    from dgsearch.data.digits_mini import DigitsMini  # needs scikit-learn to draw

    if place.image_size not in (None, DigitsMini.image_size):
        raise DataError(
            f"data.image_size = {place.image_size}: {DigitsMini.name} is drawn at "
            f"{DigitsMini.image_size} pixels; remove the entry"
        )
    return DigitsMini(place.root)


_BENCHMARKS: dict[str, Callable[[DataPlace], Benchmark]] = {
    "digits-mini": _digits_mini,
    "digits": Digits,
    "folder": folder_benchmark,
    **{
        layout.name: partial(TreeBenchmark, layout)
        for layout in (PACS, DOMAINNET, OFFICE31, OFFICEHOME, VISDA2017)
    },
}


def benchmark_names() -> tuple[str, ...]:
    """Names of the benchmarks, sorted."""
    return tuple(sorted(_BENCHMARKS))


def benchmark_domains() -> dict[str, tuple[str, ...]]:
    """The domains of each benchmark; none for those whose data says which there are."""
    return {
        name: () if name == "folder" else find_benchmark(name, None).domains
        for name in benchmark_names()
    }


def find_benchmark(
    name: str,
    root: str | Path | None,
    *,
    image_size: int | None = None,
    download: bool = False,
) -> Benchmark:
    """A benchmark by its name.

    Args:
        name: As in a study file.
        root: Folder of its data; None: its default.
        image_size: H = W in pixels; None: its default.
        download: Whether missing files may be fetched, where torchvision can.

    Raises:
        DataError: If there is none of that name, or not of that size.
    """
    if name not in _BENCHMARKS:
        raise DataError(f"benchmark {name!r} is unknown; {one_of(name, benchmark_names())}")
    folder = None if root is None else Path(root).expanduser()
    return _BENCHMARKS[name](DataPlace(folder, image_size, download))
