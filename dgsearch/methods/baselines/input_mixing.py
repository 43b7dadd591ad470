"""Mixup of images: whole images are mixed pixel by pixel, and their labels with them.

[Zhang18] is arXiv:1710.09412, [Chidambaram23] is arXiv:2210.13512, [Pinto22] is
arXiv:2206.14502. Shapes: B images, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.losses import soft_cross_entropy
from dgsearch.methods.mixup import alpha_of, drawn_order, drawn_pairs, mixed_batch
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Space


def _mixed_loss(
    network: Classifier, batch: Batch, settings: Settings, weight: Tensor | None = None
) -> Tensor:
    """Cross-entropy on mixed images; None takes the weight that was drawn."""
    drawn = settings.prepared
    weight = drawn["weight"] if weight is None else weight
    images, target = mixed_batch(batch, weight, drawn["order"], num_classes=settings.num_classes)
    return soft_cross_entropy(network(images), target)


def _midpoint_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """λ = 1/2 always [Chidambaram23]."""
    half = torch.full((), 0.5, device=batch.images.device)
    return _mixed_loss(network, batch, settings, half)


def _order(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    return {"order": drawn_order(len(batch), settings.random)}


def _regmixup_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on the images, plus η times that on mixed ones [Pinto22]."""
    plain = F.cross_entropy(network(batch.images), batch.labels)
    mixed = _mixed_loss(network, batch, settings)
    return plain + settings.values.number("regmixup_weight") * mixed


MIXUP = SingleDomain(
    name="mixup",
    summary="mixup of pairs of images and their labels (arXiv:1710.09412)",
    loss=_mixed_loss,
    prepare=drawn_pairs,
    fused_over=("mixup_alpha",),
    own=Space((alpha_of(1.0),)),
)
MIDPOINT_MIXUP = SingleDomain(
    name="midpoint_mixup",
    summary="mixup of images at equal shares, never another (arXiv:2210.13512)",
    loss=_midpoint_loss,
    prepare=_order,
    fused_over=(),
)
REGMIXUP = SingleDomain(
    name="regmixup",
    summary="plain training with mixup as an additional loss (arXiv:2206.14502)",
    loss=_regmixup_loss,
    prepare=drawn_pairs,
    fused_over=("mixup_alpha", "regmixup_weight"),
    own=Space(
        (
            alpha_of(10.0),
            Float(
                name="regmixup_weight",
                symbol="η",
                default=1.0,
                low=0,
                origin="paper",
                meaning="weight of the loss on mixed images",
            ),
        )
    ),
)
