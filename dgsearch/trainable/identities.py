"""What a stage is, as the text that its key hashes; no torch and no method is needed for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dgsearch.space import Value


def stage_identity(
    name: str,
    version: int,
    read: Mapping[str, Value],
    *,
    files: Mapping[str, str],
    earlier: Mapping[str, str],
    seed: int,
) -> dict[str, Any]:
    """What two trials of one study agree on when they share a stage.

    Args:
        name: Of the stage.
        version: Of the stage.
        read: The hyperparameters that it reads, by its own names.
        files: Hash of each file that these name.
        earlier: Identity or key of each stage whose product it reads, by name.
        seed: The trial's seed.
    """
    return {
        "stage": name,
        "version": version,
        "values": dict(sorted(read.items())),
        "files": dict(files),
        "earlier": dict(sorted(earlier.items())),
        "seed": seed,
    }


def on_data(
    identity: Mapping[str, Any],
    *,
    splits: Mapping[str, str],
    classes: int,
    image_size: int,
    numerics: Mapping[str, Any],
) -> dict[str, Any]:
    """The identity with the data and the numeric settings: all that a product depends on.

    Args:
        identity: From `stage_identity`.
        splits: Fingerprint of each split that the stage reads, by name.
        classes: Number of classes.
        image_size: H = W in pixels.
        numerics: Settings of the process that trains it.
    """
    return dict(identity) | {
        "splits": dict(sorted(splits.items())),
        "classes": classes,
        "image_size": image_size,
        "numerics": dict(numerics),
    }


def digest(parts: Any) -> str:
    """Hash of plain data, 24 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
