"""The record of a stored stage: what its trial wrote about it, under a checksum of its own.

    {"format": 2, "key": ..., "product": ..., "record": {...}, "checksum": ...}

`product` is the checksum of the product beside it and `checksum` covers all the rest. Records of
dgsearch 0.1 are the inner mapping alone; they are read, with nothing to compare them with.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgsearch.errors import ArtefactError

__all__ = ["Record", "read_record", "write_record"]

_FORMAT = 2
_FIELDS = {"format", "key", "product", "record", "checksum"}


@dataclass(frozen=True)
class Record:
    """What stands in `record.json`.

    Attributes:
        key: Key of the stage.
        product: Checksum of the product; None in a record of dgsearch 0.1.
        content: What its trial wrote: stage, method, seconds, epochs, warnings.
    """

    key: str
    product: str | None
    content: Mapping[str, Any]


def write_record(file: Path, record: Record) -> None:
    """Write a record.

    Raises:
        OSError: If it cannot be written.
    """
    parts = {
        "format": _FORMAT,
        "key": record.key,
        "product": record.product,
        "record": dict(record.content),
    }
    text = json.dumps(parts | {"checksum": _checksum(parts)}, indent=1)
    file.write_text(text, encoding="utf-8")


def read_record(file: Path, key: str) -> Record:
    """Read the record of a stage.

    Args:
        file: The file.
        key: Key of the stage that it has to belong to.

    Raises:
        FileNotFoundError: If there is none.
        OSError: If it cannot be read.
        ArtefactError: If it is damaged or belongs to another stage; names the file.
    """
    try:
        parts = json.loads(file.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{file} is damaged: {error}") from error
    if _is_old(parts):
        return Record(key, None, parts)
    if not isinstance(parts, dict) or set(parts) != _FIELDS:
        raise ArtefactError(f"{file} is damaged: it is no record of a stage")
    stated = parts.pop("checksum")
    if stated != _checksum(parts) or parts["format"] != _FORMAT:
        raise ArtefactError(f"{file} is damaged: its checksum does not fit its content")
    if parts["key"] != key:
        raise ArtefactError(f"{file} is damaged: it belongs to {parts['key']!r}, not to {key!r}")
    return Record(key, parts["product"], parts["record"])


def _is_old(parts: Any) -> bool:
    """Whether it is a record of dgsearch 0.1 that names what is needed, in the right types."""
    if not isinstance(parts, dict) or not isinstance(parts.get("stage"), str):
        return False
    seconds, warnings = parts.get("seconds"), parts.get("warnings", [])
    timed = isinstance(seconds, int | float) and 0 <= seconds < math.inf
    return timed and isinstance(warnings, list) and all(isinstance(one, str) for one in warnings)


def _checksum(parts: Mapping[str, Any]) -> str:
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
