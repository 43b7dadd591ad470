"""Trees of tensors in one file: safetensors with the structure as JSON, never pickled.

A tree is made of mappings, lists, tensors, numbers, text, booleans and None. Files are
written under a temporary name and renamed, and carry a checksum over structure, tensors and the
label of what they belong to. They follow the umask, so that a group can share a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dgsearch.errors import ArtifactError
from dgsearch.files import atomic_write

_FORMAT = "1"


def write_tree(file: Path, tree: Any, *, label: str = "") -> str:
    """Write a tree; the file appears whole or not at all.

    Args:
        file: Where to; its folder is created.
        tree: What to write; tensors are copied to the CPU.
        label: What the file belongs to, such as a stage's key; part of the checksum.

    Returns:
        The checksum.

    Raises:
        OSError: If it cannot be written, for example because the disk is full.
    """
    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_pack(tree, tensors), allow_nan=True)
    checksum = _checksum(label, structure, tensors)
    metadata = {"format": _FORMAT, "structure": structure, "checksum": checksum, "label": label}
    try:
        with atomic_write(file) as part:
            part.touch()
            mode = stat.S_IMODE(part.stat().st_mode)
            save_file(tensors, part, metadata=metadata)
            part.chmod(mode)  # safetensors lets nobody else read its files
    except SafetensorError as error:
        raise _as_os_error(error, file) from error
    return checksum


def read_tree(file: Path, *, label: str | None = None, checksum: str | None = None) -> Any:
    """Read a tree that `write_tree` wrote, onto the CPU.

    Args:
        file: The file.
        label: What it has to belong to; None: anything. Files of dgsearch 0.1 have no label.
        checksum: The checksum that it has to have; None: its own.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If it cannot be read, for example because it is another user's.
        ArtifactError: If it is damaged, of another format or of another label; names the file.
    """
    with file.open("rb"):
        pass  # what the system refuses is no damage
    try:
        metadata, tensors = _read(file)
        structure, found = metadata["structure"], metadata.get("label")
        sum_found = _checksum(found or "", structure, tensors)
        intact = metadata["checksum"] == sum_found and metadata["format"] == _FORMAT
    except OSError:
        raise
    except _DAMAGES as error:
        raise ArtifactError(f"{file} is damaged: {error}") from error
    if not intact:
        raise ArtifactError(f"{file} is damaged: its checksum does not fit its content")
    if label is not None and found not in (label, None):
        raise ArtifactError(f"{file} is damaged: it belongs to {found!r}, not to {label!r}")
    if checksum is not None and sum_found != checksum:
        raise ArtifactError(f"{file} is damaged: it is not the file that its record describes")
    return _unpack(json.loads(structure), tensors)


# what a reader of safetensors raises for content that no writer made
_DAMAGES = (
    SafetensorError,
    AttributeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    RuntimeError,
)


def _read(file: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and tensors of a file."""
    with safe_open(file, framework="pt") as opened:
        metadata: dict[str, str] = opened.metadata() or {}
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    return metadata, tensors


def _as_os_error(error: SafetensorError, file: Path) -> OSError:
    """What the system answered, which safetensors tells as text only."""
    found = re.search(r"os error (\d+)", str(error))
    if found is None:
        return OSError(f"{file}: {error}")
    number = int(found[1])
    return OSError(number, os.strerror(number), str(file))


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


def _checksum(label: str, structure: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.blake2b(structure.encode(), digest_size=16)
    if label:
        digest.update(f"\0{label}\0".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
