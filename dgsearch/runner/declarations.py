"""What a study's methods and data declare, kept with the study, and whether it still holds.

`dgsearch run` stores it. Whoever finds it unchanged knows the methods' spaces, the versions of
their stages and the data without importing torch.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

DECLARED = "declared"  # among a study's facts
_CODE = Path(__file__).parents[1]
_GROUPS = ("methods", "benchmarks", "metrics", "designs", "sections")
_DRAWN = ("digits-mini",)  # by our own code, whatever lies on the disk
_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow", "scipy")


def declarations(benchmark: str, domains: tuple[str, ...], *, one_target: bool) -> dict[str, Any]:
    """What is kept with a study.

    Args:
        benchmark: Its data.
        domains: Of the benchmark.
        one_target: Whether its methods take a single target.

    Returns:
        code (None where plug-ins are installed, whose code nobody can vouch for), drawn (whether
        the data lies on no disk), domains, one_target.
    """
    return {
        "code": code_digest(),
        "drawn": is_drawn(benchmark),
        "domains": list(domains),
        "one_target": one_target,
    }


def is_drawn(benchmark: str) -> bool:
    """Whether our own code makes the data, so that nothing of it lies on a disk."""
    return benchmark in _DRAWN


def still_declared(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What was kept with a study, if code and data cannot have changed since; None otherwise.

    Args:
        facts: Of the study, as stored.
    """
    kept: Mapping[str, Any] = facts.get(DECLARED) or {}
    same = kept.get("drawn") and kept.get("code") and kept["code"] == code_digest()
    return kept if same else None


@lru_cache(maxsize=1)
def code_digest() -> str | None:
    """One text for our code, the interpreter and the packages that decide what is computed.

    None where another package adds to dgsearch: its code may change and keep its version.
    """
    if any(entry_points(group=f"dgsearch.{group}") for group in _GROUPS):
        return None
    digest = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for name in _PACKAGES:
        try:
            digest.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            return None
    for file in sorted(_CODE.rglob("*.py")):
        digest.update(str(file.relative_to(_CODE)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
