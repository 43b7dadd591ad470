"""What a machine has once learnt of the installed methods and of drawn data, kept in the cache.

Whoever finds it needs no torch to check a study file, to count its stages and to know their keys.
Each file is tied to the digest of our code, so that no other code is ever spoken for; what is
damaged, or of another version, counts as not there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from dgsearch.designs.catalogue import Catalogue
from dgsearch.environment import cache_folder
from dgsearch.files import atomic_write
from dgsearch.runner.declarations import code_digest
from dgsearch.runner.known_chains import HasChain, chain_tree
from dgsearch.space import Space
from dgsearch.study.spec import DataSpec
from dgsearch.trainable.identities import digest

_FOLDER = "declared"  # below the cache
_UNUSED_S = 30 * 86400.0  # a file that nobody has read or written for so long is deleted


class KeptMethods(NamedTuple):
    """What is known of the installed methods.

    Attributes:
        catalogue: What study files are checked against.
        chains: Of each method, for `chain_of`.
        versions: Of the methods that have one.
        numerics: Settings of a process that trains on the CPU, less its threads.
    """

    catalogue: Catalogue
    chains: Mapping[str, Any]
    versions: Mapping[str, int]
    numerics: Mapping[str, Any]


class KeptSplits(NamedTuple):
    """What is known of a study's data at one seed.

    Attributes:
        splits: Fingerprint of each split, by name.
        classes: Number of classes.
        image_size: H = W in pixels.
        fingerprint: Of all of it.
    """

    splits: Mapping[str, str]
    classes: int
    image_size: int
    fingerprint: str


def keep_methods(
    catalogue: Catalogue, methods: Mapping[str, HasChain], numerics: Mapping[str, Any]
) -> None:
    """Keep what is installed, unless it is kept already or cannot be vouched for."""
    file = _file("methods")
    if file is None or file.exists():
        return
    _write(
        file,
        {
            "spaces": {
                name: space.model_dump(mode="json") for name, space in catalogue.methods.items()
            },
            "benchmarks": {name: list(own) for name, own in catalogue.benchmarks.items()},
            "one_target": sorted(catalogue.one_target),
            "families": {name: list(own) for name, own in catalogue.families.items()},
            "chains": {name: chain_tree(method) for name, method in methods.items()},
            "versions": {
                name: int(method.version)
                for name, method in methods.items()
                if hasattr(method, "version")
            },
            "numerics": dict(numerics),
        },
    )


def kept_methods() -> KeptMethods | None:
    """What was kept of the code that is installed now."""
    kept = _read(_file("methods"))
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        catalogue = Catalogue(
            {name: Space.model_validate(space) for name, space in kept["spaces"].items()},
            {name: tuple(own) for name, own in kept["benchmarks"].items()},
            frozenset(kept["one_target"]),
            {name: tuple(own) for name, own in kept["families"].items()},
        )
        return KeptMethods(catalogue, kept["chains"], kept["versions"], kept["numerics"])
    return None


def keep_splits(data: DataSpec, *, one_target: bool, found: Mapping[int, KeptSplits]) -> None:
    """Keep what is known of a study's data, by seed."""
    file = _file("splits", data, one_target)
    if file is None:
        return
    kept = _read(file)
    new = {str(seed): splits._asdict() for seed, splits in found.items()}
    if new.keys() - kept.keys():
        _write(file, {**kept, **new})


def kept_splits(data: DataSpec, *, one_target: bool) -> dict[int, KeptSplits]:
    """What was kept of a study's data, by seed."""
    kept = _read(_file("splits", data, one_target))
    with suppress(TypeError, ValueError):
        return {int(seed): KeptSplits(**splits) for seed, splits in kept.items()}
    return {}


def _file(kind: str, *of: Any) -> Path | None:
    """Where something is kept; None where plug-ins are installed, whose code may change."""
    code = code_digest()
    if code is None:
        return None
    named = [part.model_dump(mode="json") if isinstance(part, DataSpec) else part for part in of]
    return cache_folder() / _FOLDER / f"{kind}-{digest([code, *named])}.json"


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    """Write a file, if the cache can be written to, and drop those of code that is gone."""
    with suppress(OSError):
        with atomic_write(file) as part:
            part.write_text(json.dumps(content), encoding="utf-8")
        for other in file.parent.iterdir():
            if time.time() - other.stat().st_mtime > _UNUSED_S:
                other.unlink()
