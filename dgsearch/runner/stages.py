"""The stored stages as a user sees them: what there is, whether it is whole, what to let go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dgsearch.errors import ArtifactError
from dgsearch.trainable.ahead import sweep_ahead, trained_ahead
from dgsearch.trainable.store import Store, Stored
from dgsearch.wording import plural, short_duration


def list_stages(artifacts: Path) -> Iterator[str]:
    """One line a stage, the least recently used first, half-written folders, and the sum."""
    store = _store(artifacts)
    stored = store.listed()
    now = time.time()
    for entry in stored:
        age = f"used {short_duration(now - entry.used_at)} ago"
        if entry.problem:
            yield f"{entry.key}  {entry.problem}  {_size(entry.bytes)}  {age}"
            continue
        stage, seconds = entry.record.get("stage", "?"), float(entry.record.get("seconds", 0.0))
        yield (
            f"{entry.key}  {stage:<16} {_size(entry.bytes):>9}  trained in {seconds:7.1f} s  {age}"
        )
    for half in store.half_written():
        state = "left over" if half.left_over else "being written or deleted"
        yield f"{half.name}  half-written, {state}  {_size(half.bytes)}"
    for ahead in trained_ahead(artifacts):
        state = _STATES[ahead.in_use, ahead.left_over]
        yield f"{ahead.name}  trained ahead, study {ahead.study}, {state}  {_size(ahead.bytes)}"
    yield _sum(stored, artifacts)


def listed_stages(artifacts: Path) -> dict[str, Any]:
    """The stored stages as plain data, the least recently used first."""
    store = _store(artifacts)
    stored = store.listed()
    return {
        "folder": artifacts / "stages",
        "bytes": sum(entry.bytes for entry in stored),
        "stages": [
            {
                "key": entry.key,
                "stage": entry.record.get("stage"),
                "trained_s": entry.record.get("seconds"),
                "bytes": entry.bytes,
                "used_at": datetime.fromtimestamp(entry.used_at, tz=UTC),
                "problem": entry.problem or None,
            }
            for entry in stored
        ],
        "half_written": [half.name for half in store.half_written()],
        "trained_ahead": [ahead.name for ahead in trained_ahead(artifacts)],
    }


def verify_stages(artifacts: Path) -> tuple[list[str], bool]:
    """Check every product and record against its checksum.

    Returns:
        Lines to print, and whether all are whole.
    """
    checked = _store(artifacts).checked()
    wrong = [entry for entry in checked if entry.problem]
    lines = [f"{entry.key}  {entry.problem}; {_CONSEQUENCE[entry.readable]}" for entry in wrong]
    count = len(checked)
    return [*lines, f"{count - len(wrong)} of {count} stored stages are whole"], not wrong


_STATES = {  # of one that was trained ahead, by whether it is in use and whether it is left over
    (True, False): "being trained",
    (False, False): "waiting for its trial",
    (False, True): "left over",
}
_CONSEQUENCE = {
    True: "it is trained again where it is needed",
    False: "ask its owner for access",
}


def prune_stages(artifacts: Path, *, keep_gb: float) -> Iterator[str]:
    """Delete half-written folders, then the least recently used stages until the rest fits."""
    store = _store(artifacts)
    swept = store.sweep()
    if swept:
        size = _size(sum(half.bytes for half in swept))
        yield f"deleted {plural(len(swept), 'half-written folder')}, {size}"
    ahead = sweep_ahead(artifacts)
    if ahead:
        size = _size(sum(one.bytes for one in ahead))
        yield f"deleted {plural(len(ahead), 'stage')} trained ahead over a week ago, {size}"
    dropped = store.prune(keep_bytes=keep_gb * 1e9)
    size = _size(sum(entry.bytes for entry in dropped))
    yield f"deleted {plural(len(dropped), 'stage')}, {size}"
    yield _sum(store.listed(), artifacts)


def _store(artifacts: Path) -> Store:
    folder = artifacts / "stages"
    if not folder.is_dir():
        raise ArtifactError(
            f"there is no folder {folder}; run a study first, or name its folder with --artifacts"
        )
    return Store(folder)


def _sum(stored: list[Stored], artifacts: Path) -> str:
    total = _size(sum(entry.bytes for entry in stored))
    return f"{plural(len(stored), 'stage')} in {artifacts / 'stages'}, {total}"


def _size(count: float) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
