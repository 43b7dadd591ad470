"""What `dgsearch data` prints: what belongs where, what was found, counts of each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dgsearch.data.benchmark import Benchmark, Domain, Remarking, Stored
from dgsearch.data.registry import benchmark_names, find_benchmark
from dgsearch.environment import cache_folder
from dgsearch.errors import DataError, one_of


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
        _check_no_root(root)
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


def inventory(
    benchmark: str | None, root: str | None, *, image_size: int | None = None
) -> dict[str, Any]:
    """The same as plain data; see `inventory_lines`."""
    if benchmark is None:
        _check_no_root(root)
        each = [find_benchmark(name, None) for name in benchmark_names()]
        listed = [
            {"name": one.name, "summary": one.summary, "domains": list(one.domains)}
            for one in each
        ]
        return {"benchmarks": listed}
    found = find_benchmark(benchmark, root, image_size=image_size)
    domains, problems = _loaded(found)
    published = found.published if isinstance(found, Stored) else {}
    remarks = list(_remarks(domains, found.labels, published))
    if isinstance(found, Remarking):
        remarks += found.remarks()
    return {
        "name": found.name,
        "summary": found.summary,
        "root": found.root if isinstance(found, Stored) else None,
        "labels": list(found.labels),
        "domains": [_domain_facts(name, domain, found) for name, domain in domains.items()],
        "problems": problems,
        "remarks": [remark.strip() for remark in remarks],
    }


def _check_no_root(root: str | None) -> None:
    """A folder is that of one benchmark."""
    if root is not None:
        raise DataError(
            f"--root {root}: of which benchmark is it the folder? name it: dgsearch data "
            f"BENCHMARK --root {root}; {one_of('', benchmark_names())}"
        )


def _domain_facts(name: str, domain: Domain, benchmark: Benchmark) -> dict[str, Any]:
    published = benchmark.published if isinstance(benchmark, Stored) else {}
    counts = _counts(domain, len(benchmark.labels)).tolist()
    return {
        "name": name,
        "images": len(domain),
        "published": list(published.get(name, ())),
        "classes": dict(zip(benchmark.labels, counts, strict=True)),
        "fingerprint": domain.fingerprint,
        "unreadable": dict(domain.unreadable or {}),
    }


def _loaded(benchmark: Benchmark) -> tuple[dict[str, Domain], dict[str, str]]:
    """The domains that can be used, and what is wrong with the others.

    Raises:
        DataError: If none can be used.
    """
    domains: dict[str, Domain] = {}
    problems: dict[str, str] = {}
    for name in benchmark.domains:
        found = _load(benchmark, name)
        if isinstance(found, str):
            problems[name] = found
        else:
            domains[name] = found
    if not domains:
        raise _unusable(benchmark, problems)
    return domains, problems


def _load(benchmark: Benchmark, name: str) -> Domain | str:
    """A domain, or what is wrong with it."""
    problem = benchmark.missing(name) if isinstance(benchmark, Stored) else None
    if problem is not None:
        return problem
    try:
        return benchmark.load(name)
    except DataError as error:
        return str(error)


def _unusable(benchmark: Benchmark, problems: Mapping[str, str]) -> DataError:
    """What to say where no domain can be used."""
    root = benchmark.root if isinstance(benchmark, Stored) else Path()
    first = "".join(f"; {problem.splitlines()[0]}" for problem in list(problems.values())[:1])
    return DataError(f"{benchmark.name}: no domain can be used; looked in {root}{first}")


def _found(benchmark: Benchmark) -> Iterator[str]:
    """What was found of each domain, then what a reader should know."""
    published = benchmark.published if isinstance(benchmark, Stored) else {}
    domains: dict[str, Domain] = {}
    problems: dict[str, str] = {}
    yield f"  {'domain':<14}{'images':>8}{'published':>12}  {'per class':<16}fingerprint"
    for name in benchmark.domains:
        found = _load(benchmark, name)
        if isinstance(found, str):
            problems[name] = found
            yield f"  {name:<14}{'-':>8}  {found.splitlines()[0]}"
        else:
            domains[name] = found
            yield _domain_line(name, domains[name], benchmark, published.get(name, ()))
    if not domains:
        raise _unusable(benchmark, problems)
    yield from _class_table(domains, benchmark.labels)
    yield from _remarks(domains, benchmark.labels, published)
    if isinstance(benchmark, Remarking):
        yield from (f"  {remark}" for remark in benchmark.remarks())
    if isinstance(benchmark, Stored):
        size = benchmark.image_size
        yield f"  decoded at {size}x{size} pixels and kept in {cache_folder() / 'decoded'}"


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
