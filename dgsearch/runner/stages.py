"""The stored stages as a user sees them: what there is, whether it is whole, what to let go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from dgsearch.errors import ArtefactError
from dgsearch.trainable.store import Store, Stored

__all__ = ["list_stages", "prune_stages", "verify_stages"]


def list_stages(artifacts: Path) -> Iterator[str]:
    """One line a stage, the least recently used first, and their sum."""
    stored = _store(artifacts).listed()
    now = time.time()
    for entry in stored:
        seconds = entry.record.get("seconds", 0.0)
        yield (
            f"{entry.key}  {entry.record.get('stage', '?'):<16} {_size(entry.bytes):>9}  "
            f"trained in {seconds:7.1f} s  used {(now - entry.used_at) / 60:.0f} min ago"
        )
    yield _sum(stored, artifacts)


def verify_stages(artifacts: Path) -> tuple[list[str], bool]:
    """Check every product against its checksum.

    Returns:
        Lines to print, and whether all are whole.
    """
    store = _store(artifacts)
    damaged = store.damaged()
    lines = [f"{key}  is damaged; it is trained again where it is needed" for key in damaged]
    count = len(store.listed())
    return [*lines, f"{count - len(damaged)} of {count} stored stages are whole"], not damaged


def prune_stages(artifacts: Path, *, keep_gb: float) -> Iterator[str]:
    """Delete the least recently used stages until the rest fits."""
    store = _store(artifacts)
    dropped = store.prune(keep_bytes=keep_gb * 1e9)
    yield f"deleted {len(dropped)} stages, {_size(sum(entry.bytes for entry in dropped))}"
    yield _sum(store.listed(), artifacts)


def _store(artifacts: Path) -> Store:
    folder = artifacts / "stages"
    if not folder.is_dir():
        raise ArtefactError(
            f"there is no folder {folder}; run a study first, or name its folder with --artifacts"
        )
    return Store(folder)


def _sum(stored: list[Stored], artifacts: Path) -> str:
    total = _size(sum(entry.bytes for entry in stored))
    return f"{len(stored)} stages in {artifacts / 'stages'}, {total}"


def _size(count: float) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
