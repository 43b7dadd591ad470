"""One-bit flips over every file of a store: each is found, or its content is the same."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from dgsearch.errors import ArtifactError
from dgsearch.trainable.store import Store
from dgsearch.trainable.tensor_files import read_tree, write_tree

__all__ = ["Flips", "flipped_bits"]

_RECORD = {
    "stage": "pretrain",
    "method": "mpbm",
    "seconds": 12.25,
    "epochs": 3,
    "warnings": ["a class has no images"],
}


class Flips(NamedTuple):
    """How many flips were found, harmless, and accepted with another content."""

    found: int
    harmless: int
    accepted: int


def flipped_bits(folder: Path, count: int, generator: np.random.Generator) -> Flips:
    """Flip single bits, each in a fresh copy of a file of a store of two stages and splits.

    Args:
        folder: An empty folder to work in.
        count: How many flips; they are spread over the bytes of all files.
        generator: Draws the places.
    """
    artifacts, kept = folder / "artifacts", folder / "kept"
    _fill(artifacts)
    expected = _content(artifacts)
    shutil.copytree(artifacts, kept)
    files = sorted(path.relative_to(kept) for path in kept.rglob("*") if path.is_file())
    sizes = [(kept / file).stat().st_size for file in files]
    outcomes = {"found": 0, "harmless": 0, "accepted": 0}
    logging.disable(logging.WARNING)
    for place in generator.integers(0, 8 * sum(sizes), size=count):
        which = int(np.searchsorted(np.cumsum(sizes) * 8, place, side="right"))
        bit = int(place - 8 * sum(sizes[:which]))
        content = bytearray((kept / files[which]).read_bytes())
        content[bit // 8] ^= 1 << bit % 8
        (artifacts / files[which]).write_bytes(content)
        outcomes[_outcome(_content(artifacts), expected)] += 1
        shutil.rmtree(artifacts)
        shutil.copytree(kept, artifacts)
    logging.disable(logging.NOTSET)
    return Flips(**outcomes)


def _fill(artifacts: Path) -> None:
    store = Store(artifacts / "stages")
    for place, key in enumerate(("0123456789abcdef01234567", "89abcdef0123456789abcdef")):
        weights = torch.arange(40, dtype=torch.float32) + place
        store.save(key, {"net": {"weight": weights, "steps": torch.tensor(3)}}, _RECORD)
    write_tree(artifacts / "splits" / "00ff.safetensors", {"a": torch.arange(9)}, label="00ff")


def _content(artifacts: Path) -> list[Any]:
    """What a trial would read; None for what it would train again."""
    store = Store(artifacts / "stages")
    found: list[Any] = [
        store.load(key) for key in ("0123456789abcdef01234567", "89abcdef0123456789abcdef")
    ]
    try:
        found.append(read_tree(artifacts / "splits" / "00ff.safetensors", label="00ff"))
    except ArtifactError:
        found.append(None)
    return found


def _outcome(found: list[Any], expected: list[Any]) -> str:
    if any(one is None for one in found):
        return "found"
    return "harmless" if _plain(found) == _plain(expected) else "accepted"


def _plain(node: Any) -> Any:
    """The same with tensors as lists."""
    if isinstance(node, torch.Tensor):
        return str(node.dtype), node.tolist()
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(value) for value in node] if isinstance(node, list | tuple) else node
