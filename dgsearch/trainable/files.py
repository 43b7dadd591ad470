"""Trees of tensors in one file: safetensors with the structure as JSON, never pickled.

A tree is made of mappings, lists, tensors, numbers, text, booleans and None. Files are
written under a temporary name and renamed, and carry a checksum over structure and tensors.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dgsearch.errors import ArtefactError

__all__ = ["read_tree", "write_tree"]

_FORMAT = "1"


def write_tree(file: Path, tree: Any) -> None:
    """Write a tree; the file appears whole or not at all.

    Args:
        file: Where to; its folder is created.
        tree: What to write; tensors are copied to the CPU.
    """
    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_pack(tree, tensors), allow_nan=True)
    metadata = {
        "format": _FORMAT,
        "structure": structure,
        "checksum": _checksum(structure, tensors),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        save_file(tensors, temporary, metadata=metadata)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def read_tree(file: Path) -> Any:
    """Read a tree that `write_tree` wrote, onto the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ArtefactError: If it is damaged or of another format; names the file.
    """
    if not file.exists():
        raise FileNotFoundError(file)
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        structure = metadata["structure"]
        intact = metadata["checksum"] == _checksum(structure, tensors)
    except (SafetensorError, KeyError, OSError) as error:
        raise ArtefactError(f"{file} is damaged: {error}") from error
    if not intact:
        raise ArtefactError(f"{file} is damaged: its checksum does not fit its content")
    return _unpack(json.loads(structure), tensors)


def _pack(node: Any, tensors: dict[str, Tensor]) -> Any:
    """The node as JSON, its tensors moved to `tensors`."""
    if isinstance(node, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = node.detach().to("cpu", copy=True).contiguous()
        return {"$tensor": name}
    if isinstance(node, Mapping):
        return {"$items": [[key, _pack(value, tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return [_pack(value, tensors) for value in node]
    if node is None or isinstance(node, bool | int | float | str):
        return node
    raise TypeError(f"cannot store a {type(node).__name__}: {node!r}")


def _unpack(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(node, list):
        return [_unpack(value, tensors) for value in node]
    if isinstance(node, dict) and "$tensor" in node:
        return tensors[node["$tensor"]]
    if isinstance(node, dict):
        return {key: _unpack(value, tensors) for key, value in node["$items"]}
    return node


def _checksum(structure: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.blake2b(structure.encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
