"""Numbers that are the same for many trials, computed once by a worker.

Trials that share teacher, generator and anchors see the same things in them; a worker trains one
trial after another.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

_KEPT = 64
_known: OrderedDict[str, dict[str, float]] = OrderedDict()


def once(key: str, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What was computed for this key before, or is now; of the latest 64 keys."""
    if key not in _known:
        _known[key] = compute()
        if len(_known) > _KEPT:
            _known.popitem(last=False)
    _known.move_to_end(key)
    return dict(_known[key])


def fingerprint(*parts: Any) -> str:
    """Hash of plain values and tensors, to the last bit, nested in mappings and sequences."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, Tensor):
        tensor = part.detach().cpu().contiguous()
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    elif isinstance(part, Mapping):
        digest.update(b"{")
        for name in sorted(part):
            digest.update(f"{name!r}:".encode())
            _feed(digest, part[name])
        digest.update(b"}")
    elif isinstance(part, list | tuple):
        digest.update(b"[")
        for each in part:
            _feed(digest, each)
        digest.update(b"]")
    else:
        digest.update(f"{part!r};".encode())
