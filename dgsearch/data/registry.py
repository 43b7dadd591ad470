"""The benchmarks that are installed, by the name that study files use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dgsearch.data.benchmark import Benchmark
from dgsearch.data.digits_mini import DigitsMini
from dgsearch.errors import DataError, one_of

__all__ = ["benchmark_domains", "benchmark_names", "find_benchmark"]

_BENCHMARKS: dict[str, Callable[[Path | None], Benchmark]] = {DigitsMini.name: DigitsMini}


def benchmark_names() -> tuple[str, ...]:
    """Names of the benchmarks, sorted."""
    return tuple(sorted(_BENCHMARKS))


def benchmark_domains() -> dict[str, tuple[str, ...]]:
    """The domains of each benchmark."""
    return {name: find_benchmark(name, None).domains for name in benchmark_names()}


def find_benchmark(name: str, root: str | Path | None) -> Benchmark:
    """A benchmark by its name.

    Args:
        name: As in a study file.
        root: Folder of its data; None: its default.

    Raises:
        DataError: If there is none of that name.
    """
    if name not in _BENCHMARKS:
        raise DataError(f"benchmark {name!r} is unknown; {one_of(name, benchmark_names())}")
    return _BENCHMARKS[name](None if root is None else Path(root).expanduser())
