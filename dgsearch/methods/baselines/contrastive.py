"""Supervised contrast: images of one class lie nearer to each other than to the rest.

[Khosla20] is arXiv:2004.11362. Shapes: B images, d numbers of a projection.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def supervised_contrast(projections: Tensor, labels: Tensor, *, temperature: float) -> Tensor:
    """Mean over images of -log of the share of those of their class [Khosla20, Eq. 2].

    Args:
        projections: (B, d); directions alone count.
        labels: (B,).
        temperature: τ > 0.

    Returns:
        Scalar >= 0, in nats; an image without another of its class adds nothing.
    """
    directions = F.normalize(projections, dim=-1)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    likeness = (directions @ directions.T / temperature).masked_fill(itself, -torch.inf)
    alike = (labels[:, None] == labels) & ~itself  # (B, B)
    shares = F.log_softmax(likeness, dim=-1).masked_fill(~alike, 0)
    return -(shares.sum(dim=-1) / alike.sum(dim=-1).clamp(min=1)).mean()
