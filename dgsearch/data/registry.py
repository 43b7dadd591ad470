"""The benchmarks that are installed, by the name that study files use.

Other packages add one through the entry-point group `dgsearch.benchmarks`; the entry point
names a function from a `DataPlace` to a `Benchmark`, and its own name is the benchmark's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from dgsearch.data.benchmark import Benchmark, DataPlace
from dgsearch.data.digits import Digits
from dgsearch.data.folder import folder_benchmark
from dgsearch.data.layouts import LAYOUTS
from dgsearch.data.trees import TreeBenchmark
from dgsearch.errors import DataError, one_of
from dgsearch.plugins import leave_out, load_plugins

ENTRY_POINTS = "dgsearch.benchmarks"
_NEEDED = ("name", "domains", "labels", "image_size", "summary", "load")  # of `Benchmark`


def _digits_mini(place: DataPlace) -> Benchmark:
    from dgsearch.data.digits_mini import DigitsMini  # needs scikit-learn to draw

    if place.image_size not in (None, DigitsMini.image_size):
        raise DataError(
            f"data.image_size = {place.image_size}: {DigitsMini.name} is drawn at "
            f"{DigitsMini.image_size} pixels; remove the entry"
        )
    return DigitsMini(place.root)


Maker = Callable[[DataPlace], Benchmark]

_OWN: dict[str, Maker] = {
    "digits-mini": _digits_mini,
    "digits": Digits,
    "folder": folder_benchmark,
    **{layout.name: partial(TreeBenchmark, layout) for layout in LAYOUTS},
}


def _checked(name: str, offered: Any) -> Maker:
    """What an entry point names, if it makes a benchmark of that name without any data.

    Raises:
        DataError: If it makes something else.
    """
    made = offered(DataPlace())
    missing = [part for part in _NEEDED if not hasattr(made, part)]
    if missing:
        raise DataError(
            f"makes no benchmark: it has no {', '.join(missing)}; see "
            "dgsearch.data.benchmark.Benchmark"
        )
    if made.name != name:
        raise DataError(f"makes the benchmark {made.name!r}; name the entry point so")
    maker: Maker = offered
    return maker


@lru_cache(maxsize=1)
def _installed() -> dict[str, Maker]:
    """What makes each benchmark; a plug-in that cannot be used is named in a warning, once."""
    makers = dict(_OWN)
    for plugin in load_plugins(ENTRY_POINTS, _checked):
        if plugin.name in makers:
            leave_out(plugin, f"there is a benchmark {plugin.name!r} already; rename it")
        else:
            makers[plugin.name] = plugin.made
    return makers


def benchmark_names() -> tuple[str, ...]:
    """Names of the benchmarks, sorted."""
    return tuple(sorted(_installed()))


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
    makers = _installed()
    if name not in makers:
        raise DataError(f"benchmark {name!r} is unknown; {one_of(name, benchmark_names())}")
    folder = None if root is None else Path(root).expanduser()
    return makers[name](DataPlace(folder, image_size, download))
