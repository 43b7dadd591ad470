"""A small sample that shows what synthetic instances look like, stored with the trial."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.mpbm.adversary import Query
from dgsearch.methods.mpbm.mixing import Mixed
from dgsearch.methods.pictures import sprite

_SHOWN = 12  # synthetic vectors whose neighbours are shown as pictures


def feature_sample(batch: Batch, query: Query, real: Tensor, mixed: Mixed) -> dict[str, Any]:
    """Real, query and synthetic features projected to the plane, with nearest real neighbours.

    Args:
        batch: Source images with labels.
        query: Their queries.
        real: f(x), (B, d).
        mixed: Synthetic features of the same rows.

    Returns:
        Plain data: `points` (kind, label, x, y), the share of variance that the plane holds, the
        row of the nearest real vector to each synthetic one, and a strip of pictures: source
        image, its query, and the nearest real image of its synthetic vector.
    """
    kinds = {"real": real, "query": query.features, "synthetic": mixed.features}
    coordinates, variance = plane(real, torch.cat(list(kinds.values())))
    labels = batch.labels.tolist() * len(kinds)
    names = [name for name in kinds for _ in range(len(real))]
    nearest = torch.cdist(mixed.features, real).argmin(dim=1)
    shown = slice(0, _SHOWN)
    strip = torch.cat([batch.images[shown], query.images[shown], batch.images[nearest[shown]]])
    return {
        "points": [
            [kind, label, round(x, 4), round(y, 4)]
            for kind, label, (x, y) in zip(names, labels, coordinates.tolist(), strict=True)
        ],
        "variance": variance,
        "nearest": nearest.tolist(),
        "own_is_nearest": float((nearest == torch.arange(len(real))).float().mean()),
        "rows": ["source image", "its query", "nearest real image of its synthetic features"],
        "columns": min(_SHOWN, len(real)),
        "sprite": sprite(strip, columns=min(_SHOWN, len(real))),
    }


def plane(reference: Tensor, features: Tensor) -> tuple[Tensor, float]:
    """Features on the first two principal axes of a reference sample.

    Args:
        reference: (B, d), defines centre and axes.
        features: (M, d).

    Returns:
        Coordinates, (M, 2), and the share of the reference's variance on the two axes.
    """
    centre = reference.mean(dim=0)
    _, spread, axes = torch.linalg.svd(reference - centre, full_matrices=False)
    variance = spread.square()
    share = float(variance[:2].sum() / variance.sum().clamp(min=1e-12))
    return (features - centre) @ axes[:2].T, share
