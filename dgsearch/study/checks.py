"""Is the data of a study installed, and does it suit the methods?"""

from __future__ import annotations

from collections.abc import Iterator

from dgsearch.designs.catalogue import Catalogue
from dgsearch.errors import Problem, one_of
from dgsearch.study.spec import DataSpec


def check_data(
    data: DataSpec, catalogue: Catalogue, methods: list[str], *, given: bool = False
) -> Iterator[Problem]:
    """Problems of `[data]`: unknown benchmark, unknown domain, a domain on both sides.

    `given` says that there is a `[teacher]`, which needs no source.
    """
    if not data.source and not given:
        message = "is missing; name the domains to train on, or give a teacher under [teacher]"
        yield Problem("data.source", "", message)
    domains = catalogue.benchmarks.get(data.benchmark)
    if domains is None:
        allowed = one_of(data.benchmark, sorted(catalogue.benchmarks))
        yield Problem("data.benchmark", repr(data.benchmark), f"unknown benchmark; {allowed}")
        return
    for side in ("source", "targets"):
        for place, name in enumerate(getattr(data, side)):
            if domains and name not in domains:  # none are known where the data itself says
                message = f"not a domain of {data.benchmark}; {one_of(name, domains)}"
                yield Problem(f"data.{side}[{place}]", repr(name), message)
    for name in sorted(set(data.source) & set(data.targets)):
        yield Problem(
            "data.targets", repr(name), "is a source too; a target must not be trained on"
        )
    alone = [method for method in methods if method in catalogue.one_target]
    if alone and len(data.targets) > 1:
        message = f"{alone[0]} trains a student for one target domain; name one"
        yield Problem("data.targets", repr(list(data.targets)), message)
    others = [method for method in methods if method not in catalogue.one_target]
    if alone and others:
        message = (
            f"{alone[0]} trains on a part of the target and is tested on the rest, {others[0]} is "
            "tested on all of it; compare methods of one kind in a study"
        )
        yield Problem("method", repr([*alone, *others]), message)
