"""What `dgsearch data` prints: each benchmark, its domains, and how many images of each class."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dgsearch.data.registry import benchmark_names, find_benchmark

__all__ = ["inventory_lines"]


def inventory_lines(benchmark: str | None, root: str | None) -> Iterator[str]:
    """Benchmarks with their domains; for a single one also the counts per class.

    Args:
        benchmark: Only this one, loaded and counted; None: all, by name.
        root: Folder of its data; None: its default.

    Raises:
        DataError: If there is no such benchmark or its data is missing.
    """
    for name in benchmark_names() if benchmark is None else (benchmark,):
        found = find_benchmark(name, root)
        yield f"{found.name}: {found.summary}"
        yield f"  domains: {', '.join(found.domains)}"
        if benchmark is None:
            continue
        yield f"  classes: {', '.join(found.labels)}"
        yield f"  {'domain':<12}{'images':>8}  per class              fingerprint"
        for domain in found.domains:
            images = found.load(domain)
            counts = torch.bincount(images.labels, minlength=len(found.labels))
            spread = f"{int(counts.min())} to {int(counts.max())}"
            yield f"  {domain:<12}{len(images):>8}  {spread:<22} {images.fingerprint}"
