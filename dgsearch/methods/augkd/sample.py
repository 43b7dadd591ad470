"""A small sample that shows generated, anchor and mixed images, stored with the trial."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dgsearch.data.splits import Batch
from dgsearch.methods.augkd.diagnostics import Frozen
from dgsearch.methods.pictures import sprite

__all__ = ["image_sample"]

_MIXES = (0.0, 0.2, 0.4, 0.6, 0.8)


def image_sample(frozen: Frozen, batch: Batch, z: Tensor) -> dict[str, Any]:
    """Pictures in rows, one column a student image.

    Args:
        frozen: The networks.
        batch: A few held-out images of the student's domain, (B, 3, H, W).
        z: Latent vectors from N(0, I), (B, L), for the row of generated images.

    Returns:
        Plain data: names of the rows, number of columns, and one PNG in base64.
    """
    with torch.no_grad():
        encoded, _ = frozen.encoder(batch.images, batch.labels)
        anchors, _ = frozen.anchors(encoded, batch.labels)
        mixes = [frozen.mixed(batch.images, encoded, anchors, f) for f in _MIXES]
        rows = {
            "generated from noise": frozen.generator(z),
            "student image": batch.images,
            "encoded and decoded": frozen.generator(encoded),
            **{f"mixed, f = {f}": mix for f, mix in zip(_MIXES, mixes, strict=True)},
        }
    pictures = torch.cat(list(rows.values()))
    return {
        "rows": list(rows),
        "columns": len(batch),
        "sprite": sprite(pictures, columns=len(batch)),
    }
