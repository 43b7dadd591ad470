"""What `dgsearch data` prints: what belongs where, what was found, counts of each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from dgsearch.data.benchmark import Benchmark, Domain, Remarking, Stored
from dgsearch.data.cache import default_cache
from dgsearch.data.registry import benchmark_names, find_benchmark
from dgsearch.errors import DataError, one_of

__all__ = ["inventory_lines"]


def inventory_lines(
    benchmark: str | None, root: str | None, *, image_size: int | None = None
) -> Iterator[str]:
    """Benchmarks with their domains; for a single one all that is known of its data.

    Every image of a single benchmark is decoded, and kept for training at this size.

    Args:
        benchmark: Only this one, loaded and counted; None: all, by name.
        root: Folder of its data; None: its default.
        image_size: H = W in pixels; None: its default.

    Raises:
        DataError: If there is no such benchmark, or none of its domains can be used.
    """
    if benchmark is None:
        if root is not None:
            raise DataError(
                f"--root {root}: of which benchmark is it the folder? name it: dgsearch data "
                f"BENCHMARK --root {root}; {one_of('', benchmark_names())}"
            )
        for name in benchmark_names():
            found = find_benchmark(name, None)
            yield f"{found.name}: {found.summary}"
            yield f"  domains: {', '.join(found.domains) or 'the folders of its root'}"
        return
    found = find_benchmark(benchmark, root, image_size=image_size)
    yield f"{found.name}: {found.summary}"
    if isinstance(found, Stored):
        yield from (f"  {line}" for line in found.expected())
    yield from _found(found)


def _found(benchmark: Benchmark) -> Iterator[str]:
    """What was found of each domain, then what a reader should know."""
    published = benchmark.published if isinstance(benchmark, Stored) else {}
    domains: dict[str, Domain] = {}
    problems: dict[str, str] = {}
    yield f"  {'domain':<14}{'images':>8}{'published':>12}  {'per class':<16}fingerprint"
    for name in benchmark.domains:
        problem = benchmark.missing(name) if isinstance(benchmark, Stored) else None
        if problem is None:
            try:
                domains[name] = benchmark.load(name)
            except DataError as error:
                problem = str(error)
        if problem is not None:
            problems[name] = problem
            yield f"  {name:<14}{'-':>8}  {problem.splitlines()[0]}"
        else:
            yield _domain_line(name, domains[name], benchmark, published.get(name, ()))
    if not domains:
        root = benchmark.root if isinstance(benchmark, Stored) else Path()
        first = "".join(f"; {problem.splitlines()[0]}" for problem in list(problems.values())[:1])
        raise DataError(f"{benchmark.name}: no domain can be used; looked in {root}{first}")
    yield from _class_table(domains, benchmark.labels)
    yield from _remarks(domains, benchmark.labels, published)
    if isinstance(benchmark, Remarking):
        yield from (f"  {remark}" for remark in benchmark.remarks())
    if isinstance(benchmark, Stored):
        size = benchmark.image_size
        yield f"  decoded at {size}x{size} pixels and kept in {default_cache() / 'decoded'}"


def _domain_line(name: str, domain: Domain, benchmark: Benchmark, published: Sequence[int]) -> str:
    counts = _counts(domain, len(benchmark.labels))
    spread = f"{int(counts.min())} to {int(counts.max())}"
    promised = " or ".join(map(str, published)) or "-"
    return f"  {name:<14}{len(domain):>8}{promised:>12}  {spread:<16}{domain.fingerprint}"


def _class_table(domains: Mapping[str, Domain], labels: Sequence[str]) -> Iterator[str]:
    """Images by class and domain."""
    counts = [_counts(domain, len(labels)).tolist() for domain in domains.values()]
    width = max(len(label) for label in (*labels, "class")) + 2
    yield f"  {'class':<{width}}" + "".join(f"{name:>14}" for name in domains)
    for number, label in enumerate(labels):
        yield f"  {label:<{width}}" + "".join(f"{row[number]:>14}" for row in counts)


def _remarks(
    domains: Mapping[str, Domain],
    labels: Sequence[str],
    published: Mapping[str, Sequence[int]],
) -> Iterator[str]:
    """Unreadable images, classes without images, counts that differ from the publication."""
    for name, domain in domains.items():
        unreadable = domain.unreadable or {}
        expected = published.get(name, ())
        if expected and len(domain) + len(unreadable) not in expected:
            promised = " or ".join(map(str, expected))
            yield (
                f"  {name}: {len(domain) + len(unreadable)} images where {promised} are "
                "published; some are missing or do not belong there"
            )
        empty = torch.nonzero(_counts(domain, len(labels)) == 0).flatten().tolist()
        if empty:
            shown = ", ".join(labels[number] for number in empty)
            yield f"  {name}: no image of {shown} ({len(empty)} of {len(labels)} classes)"
        if domain.held_out is not None:
            yield (
                f"  {name}: {len(domain.trained_on)} images for training and "
                f"{len(domain.tested_on)} for testing, by its official lists"
            )
        for image, reason in unreadable.items():
            yield f"  {name}: cannot be read and is left out: {image} ({reason})"


def _counts(domain: Domain, classes: int) -> Tensor:
    """Images of each class, (K,)."""
    return torch.bincount(domain.labels, minlength=classes)
